/** A listener for connections of which nothing is known but the bytes. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { ConnectionBound } from '../connection-bound.ts';
import type { ConnectionCap } from '../connection-cap.ts';
import type { Peer } from '../exchange.ts';
import { remoteOf } from '../remote.ts';
import type { ListenOptions, ServerRelief } from '../server-options.ts';
import { TcpSocket } from './tcp-socket.ts';

/** What a listener is made of. */
export interface TcpServerOptions {
  /** Gets every connection; nothing was read of it. Must not throw. */
  readonly handler: (socket: TcpSocket, peer: Peer) => void;
  /** Open connections. Default 10 000; those beyond are reset at once and told to `onOverload`. */
  readonly connectionCountMax?: number;
  /** Bounds the connections of all servers that have the same one. By default there is none. */
  readonly cap?: ConnectionCap;
  /** `detail` says which bound was met. */
  readonly onOverload?: (peer: Peer, detail: string) => void;
}

/** Counters since the start, and gauges. A live view. */
export interface TcpServerStats {
  readonly connectionCount: number;
  readonly acceptedCount: number;
  /** Connections closed because `connectionCountMax` was reached. */
  readonly overloadedCount: number;
  /** Likewise because of the `cap` that is shared with other servers. */
  readonly totalOverloadedCount: number;
  /** Likewise while the server was told to be deaf. */
  readonly shedConnectionCount: number;
  /** Connections that the system could not give us: no descriptors left. */
  readonly acceptFailureCount: number;
}

const CONNECTION_COUNT_MAX = 10_000;

/** All at zero. */
export function newTcpServerStats(): { -readonly [Name in keyof TcpServerStats]: number } {
  return {
    connectionCount: 0,
    acceptedCount: 0,
    overloadedCount: 0,
    totalOverloadedCount: 0,
    shedConnectionCount: 0,
    acceptFailureCount: 0,
  };
}

/** Listens once, closes once. */
export class TcpServer {
  readonly stats = newTcpServerStats();
  readonly #options: TcpServerOptions;
  readonly #bound: ConnectionBound;
  readonly #listener: Server;
  readonly #open = new Set<TcpSocket>();

  constructor(options: TcpServerOptions) {
    this.#options = options;
    const { connectionCountMax = CONNECTION_COUNT_MAX, cap } = options;
    this.#bound = new ConnectionBound({ connectionCountMax, cap, stats: this.stats });
    this.#listener = createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      (socket) => this.#accept(socket),
    );
  }

  /** Port 0 takes a free one. Rejects with the error of the socket (`EADDRINUSE`, …). */
  listen(
    port: number,
    host: string,
    { reusePort = false }: ListenOptions = {},
  ): Promise<{ address: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen({ port, host, reusePort }, () => {
        this.#listener.off('error', reject);
        // A failure to accept (no descriptors left) is the system's to report, not a reason to end.
        this.#listener.on('error', () => {
          this.stats.acceptFailureCount += 1;
        });
        const bound = this.#listener.address() as AddressInfo;
        resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  /**
   * What it gives up from now on: `deaf` turns every new connection away. There is nothing that `save`
   * could close: of bytes nobody knows whether they are the last.
   */
  relieve(relief: ServerRelief): void {
    this.#bound.relief = relief;
  }

  /** Takes no new connection; those that are open live on. Nobody waits for them. */
  stopListening(): void {
    if (this.#listener.listening) this.#listener.close();
  }

  /** Resets every connection. Resolves when the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#listener.listening) this.#listener.close(() => resolve());
      else resolve();
      for (const socket of this.#open) socket.reset();
    });
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket);
    const raw = new TcpSocket(socket);
    this.stats.acceptedCount += 1;
    const refusal = this.#bound.refusal();
    if (refusal !== undefined) {
      raw.reset();
      this.#options.onOverload?.(peer, refusal);
      return;
    }
    this.#open.add(raw);
    this.#bound.count(this.#open.size);
    socket.once('close', () => {
      this.#open.delete(raw);
      this.#bound.count(this.#open.size);
    });
    this.#options.handler(raw, peer);
  }
}

function peerOf(socket: Socket): Peer {
  return { ...remoteOf(socket), transport: 'plain', identity: undefined };
}
