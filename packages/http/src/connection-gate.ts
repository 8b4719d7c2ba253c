/**
 * Whether a connection is taken, before a byte of it is read: what is turned away shall cost next to
 * nothing. Where plain HTTP is spoken it is answered (see connection-refuser.ts), elsewhere closed
 * without a word.
 */
import type { Socket } from 'node:net';
import type { Timers } from '@leno/std';
import { ConnectionBound } from './connection-bound.ts';
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
  readonly #options: ConnectionGateOptions;
  readonly #bound: ConnectionBound;
  readonly #refuser: ConnectionRefuser;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    this.#bound = new ConnectionBound(options);
    this.#refuser = new ConnectionRefuser(options.timers);
  }

  get relief(): ServerRelief {
    return this.#bound.relief;
  }

  set relief(relief: ServerRelief) {
    this.#bound.relief = relief;
  }

  /** Turns the connection away if it must, and counts it. */
  admits(socket: Socket): boolean {
    const detail = this.#bound.refusal();
    if (detail === undefined) return true;
    const isAnswered = this.#options.isPlain && this.#refuser.hasRoom;
    const more = this.#options.report(socket, isAnswered ? 503 : 0, detail);
    if (isAnswered) this.#refuser.answer(socket, more?.toWire() ?? '');
    else socket.destroy();
    return false;
  }

  /** Whether a stream may become a connection of its own; counts it if not. */
  admitsInner(): boolean {
    return this.#bound.refusal() === undefined;
  }

  /** So many are open now. */
  count(openCount: number): void {
    this.#bound.count(openCount);
  }

  close(): void {
    this.#refuser.close();
  }
}
