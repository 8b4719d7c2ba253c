/**
 * `LENO_TCP_LISTEN`: listeners of the proxy that stand for one destination each, for clients that say
 * nothing of whom they want. `127.0.0.1:5432=postgres:5432,…`
 */
import type { DataPlane } from '@leno/dataplane';
import { TcpServer } from '@leno/http';
import * as z from 'zod';
import { listenError, renderAddress } from './listen.ts';

/** One listener, and what is called by connecting to it. */
export interface TcpListen {
  readonly host: string;
  readonly port: number;
  /** As `Host` would have it: `postgres:5432`. */
  readonly authority: string;
}

/** Listeners of one proxy. */
const LISTENER_COUNT_MAX = 256;
const ENTRY =
  /^(?:\[([0-9a-f:]+)\]|([^:=\s[\]]+)):(\d{1,5})=([a-z0-9]([a-z0-9.-]*[a-z0-9])?:\d{1,5})$/;
const PORT_MAX = 65_535;

/** Parses the setting; every entry that is wrong is named. */
export const tcpListen = z
  .string()
  .default('')
  .transform((text, context): readonly TcpListen[] => {
    const entries = text.split(',').filter((entry) => entry.trim() !== '');
    const found = entries.map((entry) => ({ entry, parsed: parse(entry.trim().toLowerCase()) }));
    const bad = found.filter(({ parsed }) => parsed === undefined).map(({ entry }) => entry.trim());
    if (bad.length > 0) {
      const shown = bad.map((entry) => JSON.stringify(entry)).join(', ');
      context.addIssue(`${shown}: not HOST:PORT=SERVICE:PORT, as 127.0.0.1:5432=postgres:5432`);
      return z.NEVER;
    }
    if (entries.length > LISTENER_COUNT_MAX) {
      context.addIssue(`${entries.length} listeners, at most ${LISTENER_COUNT_MAX}`);
      return z.NEVER;
    }
    return found.flatMap(({ parsed }) => (parsed === undefined ? [] : [parsed]));
  });

function parse(entry: string): TcpListen | undefined {
  const [, ipv6, name, port = '', authority = ''] = ENTRY.exec(entry) ?? [];
  const host = ipv6 ?? name;
  const target = Number(authority.slice(authority.lastIndexOf(':') + 1));
  if (host === undefined || Number(port) > PORT_MAX) return undefined;
  if (target < 1 || target > PORT_MAX) return undefined;
  return { host, port: Number(port), authority };
}

/** The listeners of one proxy, open. */
export interface TcpListeners {
  /** `127.0.0.1:5432=postgres:5432`, with the port that was taken. */
  readonly addresses: readonly string[];
  /** Takes no new connection. */
  stopListening(): void;
  /** Breaks off what is left. */
  close(): Promise<void>;
}

/** Opens all of them, or throws `ListenError` with none left open. */
export async function startTcpListeners(
  settings: readonly TcpListen[],
  dataPlane: DataPlane,
): Promise<TcpListeners> {
  const { tcp } = dataPlane.engine;
  const servers: TcpServer[] = [];
  const addresses: string[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
  };
  for (const { host, port, authority } of settings) {
    const server = new TcpServer({
      handler: (socket, peer) => tcp.dialled(authority, socket, peer),
      onOverload: (peer) => tcp.overloaded(authority, peer),
    });
    servers.push(server);
    try {
      addresses.push(`${renderAddress(await server.listen(port, host))}=${authority}`);
    } catch (thrown) {
      await close();
      throw listenError({ host, port }, 'LENO_TCP_LISTEN', thrown);
    }
  }
  return {
    addresses,
    close,
    stopListening: () => servers.forEach((server) => server.stopListening()),
  };
}
