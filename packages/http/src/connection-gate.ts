/**
 * Whether a connection is taken, before a byte of it is read: what is turned away shall cost next to
 * nothing. Where plain HTTP is spoken it is answered (see connection-refuser.ts), elsewhere closed
 * without a word.
 */
import type { Socket } from 'node:net';
import type { Timers } from '@leno/std';
import type { ConnectionCap } from './connection-cap.ts';
import { ConnectionRefuser } from './connection-refuser.ts';
import type { FieldList } from './fields.ts';
import type { ServerRelief } from './server-options.ts';
import type { MutableServerStats } from './server-stats.ts';

export interface ConnectionGateOptions {
  readonly connectionCountMax: number;
  readonly cap: ConnectionCap | undefined;
  readonly stats: MutableServerStats;
  readonly timers: Timers;
  /** Whether plain HTTP is all that is spoken. */
  readonly isPlain: boolean;
  /** Tells of one that is turned away; gives fields for its reply. */
  readonly report: (socket: Socket, status: number, detail: string) => FieldList | undefined;
}

export class ConnectionGate {
  relief: ServerRelief = 'none';
  readonly #options: ConnectionGateOptions;
  readonly #refuser: ConnectionRefuser;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    this.#refuser = new ConnectionRefuser(options.timers);
  }

  /** Turns the connection away if it must, and counts it. */
  admits(socket: Socket): boolean {
    const detail = this.#refusal();
    if (detail === undefined) return true;
    const isAnswered = this.#options.isPlain && this.#refuser.hasRoom;
    const more = this.#options.report(socket, isAnswered ? 503 : 0, detail);
    if (isAnswered) this.#refuser.answer(socket, more?.toWire() ?? '');
    else socket.destroy();
    return false;
  }

  /** Whether a stream may become a connection of its own; counts it if not. */
  admitsInner(): boolean {
    return this.#refusal() === undefined;
  }

  /** So many are open now. */
  count(openCount: number): void {
    const { cap, stats } = this.#options;
    cap?.change(openCount - stats.connectionCount);
    stats.connectionCount = openCount;
  }

  close(): void {
    this.#refuser.close();
  }

  #refusal(): string | undefined {
    const { cap, connectionCountMax, stats } = this.#options;
    if (this.relief === 'deaf') {
      stats.shedConnectionCount += 1;
      return 'no connection is taken for want of memory or time';
    }
    if (stats.connectionCount >= connectionCountMax) {
      stats.overloadedCount += 1;
      return 'too many connections';
    }
    if (cap?.isReached !== true) return undefined;
    stats.totalOverloadedCount += 1;
    return 'too many connections, of all listeners together';
  }
}
