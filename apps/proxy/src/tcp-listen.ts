/**
 * `LENO_TCP_LISTEN`: listeners of the proxy that stand for one destination each, for clients that say
 * nothing of whom they want. `127.0.0.1:5432=postgres:5432,…`
 */
import type { Engine } from '@leno/dataplane';
import {
  type ListenOptions,
  newTcpServerStats,
  type ServerRelief,
  TcpServer,
  type TcpServerOptions,
  type TcpServerStats,
} from '@leno/http';
import * as z from 'zod';
import { listenError, renderAddress } from './listen.ts';

/** One listener, and what is called by connecting to it. */
export interface TcpListen {
  readonly host: string;
  readonly port: number;
  /** As `Host` would have it: `postgres:5432`. */
  readonly authority: string;
}

/** Bounds of each of them. */
export type TcpBounds = Pick<TcpServerOptions, 'connectionCountMax' | 'cap'>;

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

/** The listeners of one data plane. */
export class TcpListeners {
  readonly #engine: Engine;
  readonly #bounds: TcpBounds;
  readonly #servers: TcpServer[] = [];
  #relief: ServerRelief = 'none';

  constructor(engine: Engine, bounds: TcpBounds) {
    this.#engine = engine;
    this.#bounds = bounds;
  }

  /** Of all of them together, now. */
  get stats(): TcpServerStats {
    const sum = newTcpServerStats();
    for (const { stats } of this.#servers) {
      sum.connectionCount += stats.connectionCount;
      sum.acceptedCount += stats.acceptedCount;
      sum.overloadedCount += stats.overloadedCount;
      sum.totalOverloadedCount += stats.totalOverloadedCount;
      sum.shedConnectionCount += stats.shedConnectionCount;
      sum.acceptFailureCount += stats.acceptFailureCount;
    }
    return sum;
  }

  /** What they give up from now on, those that do not listen yet included. */
  relieve(relief: ServerRelief): void {
    this.#relief = relief;
    for (const server of this.#servers) server.relieve(relief);
  }

  /** Opens all of them and gives them with their ports, or throws `ListenError` with none left open. */
  async listen(
    listeners: readonly TcpListen[],
    options: ListenOptions,
  ): Promise<readonly TcpListen[]> {
    const { tcp } = this.#engine;
    const bound: TcpListen[] = [];
    for (const { host, port, authority } of listeners) {
      const server = new TcpServer({
        handler: (socket, peer) => tcp.dialled(authority, socket, peer),
        onOverload: (peer, detail) => tcp.overloaded(authority, peer, detail),
        ...this.#bounds,
      });
      server.relieve(this.#relief);
      this.#servers.push(server);
      try {
        const at = await server.listen(port, host, options);
        bound.push({ host: at.address, port: at.port, authority });
      } catch (thrown) {
        await this.close();
        throw listenError({ host, port }, 'LENO_TCP_LISTEN', thrown);
      }
    }
    return bound;
  }

  /** Takes no new connection. */
  stopListening(): void {
    for (const server of this.#servers) server.stopListening();
  }

  /** Breaks off what is left. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => server.close()));
  }
}

/** `127.0.0.1:5432=postgres:5432` */
export function renderTcpListen({ host, port, authority }: TcpListen): string {
  return `${renderAddress({ address: host, port })}=${authority}`;
}
