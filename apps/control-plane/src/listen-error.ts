import type { Server } from 'node:net';
import { codeOf, LenoError, messageOf } from '@leno/std';
import type { ListenAddress } from './env.ts';

/** A port that cannot be listened on; the message names the setting that changes it. */
export class ListenError extends LenoError {
  readonly code = 'LENO_LISTEN';
  readonly fault = 'mesh';
}

/** Listens, and gives the address as it came out (port 0 takes any). Throws `ListenError`. */
export async function listenOn(
  server: Server,
  address: ListenAddress,
  setting: string,
): Promise<ListenAddress> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address.host, port: address.port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (thrown) {
    const where = addressText(address);
    const why =
      codeOf(thrown) === 'EADDRINUSE'
        ? `${where} is taken by another process`
        : `cannot listen on ${where}: ${messageOf(thrown)}`;
    const flag = `--${setting.slice('LENO_'.length).toLowerCase().replaceAll('_', '-')}`;
    throw new ListenError(`${why}; choose another with ${setting} (or ${flag})`, { cause: thrown });
  }
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { host: address.host, port };
}

/** `host:port`, with brackets where the host is an IPv6 address. */
export function addressText({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
