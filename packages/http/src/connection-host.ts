/** What stands between a server and its connections, whatever these speak. */
import type { Clock, Timers } from '@leno/std';
import type { Peer, ServerExchange } from './exchange.ts';
import type { FieldList } from './fields.ts';
import type { ServerLimits } from './limits.ts';
import type { Refusal } from './refusal.ts';
import type { MutableServerStats } from './server-stats.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';
import type { Wire, WireOwner, WireSocket } from './wire.ts';

/** What a connection needs of its server. */
export interface ConnectionHost {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly stats: MutableServerStats;
  readonly isDraining: boolean;
  /** Whether connections stay when a reply is over: not in a drain, and not while memory is short. */
  readonly keepsAlive: boolean;
  /** How long a connection may be without a request, as things stand. */
  readonly idleTimeoutMs: number;
  readonly timers: Timers;
  /** How long a reply may be silent to a client that has ended its half. */
  readonly halfCloseGraceMs: number;
  handle(exchange: ServerExchange): void;
  /** Counts and reports a refusal (`status` 0: without a reply); gives fields for its reply. */
  rejected(refusal: Refusal, status: number, peer: Peer): FieldList | undefined;
  /** As `rejected`, of something that was counted where it was found. */
  reported(refusal: Refusal, status: number, peer: Peer): FieldList | undefined;
  /** A connection is closed because it was idle for that long. */
  idledOut(): void;
  closed(connection: ServedConnection): void;
  /** Whether one more stream may become a connection of its own; counts the refusal if not. */
  takesInner(): boolean;
  /** HTTP/1.1 inside a tunnel to `authority`: a connection like others, of the same peer. */
  openInner(socket: WireSocket, peer: Peer, authority: string): void;
  /** Gives a stream away that speaks HTTP no more; it counts as a connection. */
  giveInner(socket: WireSocket): TcpSocket;
  /** The connection is HTTP no more: its socket is somebody else's, and still counts. */
  handOver(connection: ServedConnection, ahead: Buffer | undefined): TcpSocket;
}

/** A connection, whatever it speaks, as its server sees it. */
export interface ServedConnection extends WireOwner {
  readonly wire: Wire;
  /** Ends when what is in flight has ended; at once if nothing is. */
  drain(): void;
  /** Looks for what takes too long. */
  sweep(nowMs: number): void;
}

/** How long a connection that we have closed is read on, so that the reply arrives. */
export const LINGER_MS = 2_000;
