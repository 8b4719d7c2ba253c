import type { ServerCounter } from '../server/session-state.ts';
import type { Refused } from './admission.ts';

/** What a push server counts since its start: each bound has one. */
export type ServerStat =
  | ServerCounter
  | Refused
  | 'accepted'
  | 'receivedMessages'
  | 'sentMessages'
  | 'sentBytes'
  | 'sentSnapshots'
  | 'fanOuts'
  | 'bufferFull'
  | 'tooBig'
  | 'socketErrors'
  | 'viewFailures'
  | 'listenerFailures';

const names = [
  'statDropped',
  'requestRefused',
  'leaseRefused',
  'malformed',
  'staleAck',
  'resync',
  'ackTimeout',
  'heartbeatLost',
  'held',
  'refusedRate',
  'refusedFull',
  'refusedAuth',
  'refusedRequest',
  'accepted',
  'receivedMessages',
  'sentMessages',
  'sentBytes',
  'sentSnapshots',
  'fanOuts',
  'bufferFull',
  'tooBig',
  'socketErrors',
  'viewFailures',
  'listenerFailures',
] as const satisfies readonly ServerStat[];

/** Counters that only grow. */
export class ServerStats {
  readonly #counts = new Map<ServerStat, number>(names.map((name) => [name, 0]));

  count(name: ServerStat): void {
    this.add(name, 1);
  }

  add(name: ServerStat, amount: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount);
  }

  /** A copy of all of them. */
  read(): Readonly<Record<ServerStat, number>> {
    return Object.fromEntries(this.#counts) as Record<ServerStat, number>;
  }
}
