import type { HttpServer, ListenOptions } from '@leno/http';
import { codeOf, LenoError } from '@leno/std';
import type { ListenAddress } from './env.ts';

/** A port cannot be listened on; the message names the setting that changes it. */
export class ListenError extends LenoError {
  readonly code = 'LENO_LISTEN';
  readonly fault = 'mesh';
}

/** Which address failed, and why. */
export function listenProblem(address: ListenAddress, thrown: unknown): string {
  const at = renderAddress({ address: address.host, port: address.port });
  const code = codeOf(thrown);
  const why =
    code === 'EADDRINUSE'
      ? 'is taken by another program'
      : code === 'EACCES'
        ? 'needs a privilege that this user lacks'
        : `cannot be used (${code})`;
  return `${at} ${why}`;
}

/** The same as an error that says by what setting to change it. */
export function listenError(address: ListenAddress, setting: string, thrown: unknown): ListenError {
  const flag = `--${setting.slice(5).toLowerCase().replaceAll('_', '-')}`;
  const problem = listenProblem(address, thrown);
  return new ListenError(`${problem}: choose another by ${setting} or ${flag}`, { cause: thrown });
}

/** Listens, or throws `ListenError` that names `setting`. */
export async function listen(
  server: HttpServer,
  address: ListenAddress,
  options: ListenOptions & { readonly setting: string },
): Promise<{ address: string; port: number }> {
  const { setting, reusePort = false } = options;
  try {
    return await server.listen(address.port, address.host, { reusePort });
  } catch (thrown) {
    throw listenError(address, setting, thrown);
  }
}

/** `host:port`, an IPv6 host in brackets. */
export function renderAddress(at: { readonly address: string; readonly port: number }): string {
  return at.address.includes(':') ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
}
