/**
 * The connections to one upstream address: the one used last is used first, so that those not needed
 * grow old and are closed; requests wait in a bounded queue while connections are opened.
 */
import type { Socket } from 'node:net';
import { messageOf, systemRng, type TimerHandle } from '@leno/std';
import { Dial } from './dialer.ts';
import type { ClientTry, OutgoingRequest, TryEvents, TryFailure } from './exchange.ts';
import { InvalidOptionError } from './invalid-option-error.ts';
import { messageLimits } from './limits.ts';
import { consistsOf, TOKEN, VISIBLE } from './octets.ts';
import { poolProblems } from './option-checks.ts';
import type { ClientPool, PoolLimits, PoolStats, UpstreamPoolOptions } from './pool-options.ts';
import { noSibling, type PoolSibling, type Protocol } from './pool-sibling.ts';
import { type PoolPort, UpstreamConnection } from './upstream-connection.ts';
import { UpstreamTry } from './upstream-try.ts';
import { Wire } from './wire.ts';

/** An idle connection is not used in its last second: the upstream may be closing it. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class UpstreamPool implements ClientPool {
  readonly #options: UpstreamPoolOptions;
  readonly #port: PoolPort;
  readonly #sibling: PoolSibling;
  #limits: PoolLimits;
  readonly #connections = new Set<UpstreamConnection>();
  readonly #idle: UpstreamConnection[] = [];
  readonly #dials = new Set<Dial>();
  readonly #pending = new Set<UpstreamTry>(); // In the order of their arrival.
  #reaper: TimerHandle | undefined = undefined;
  #isDraining = false;
  readonly #counts = {
    requestCount: 0,
    reusedCount: 0,
    connectCount: 0,
    connectFailureCount: 0,
    connectTimeoutCount: 0,
    requestOverflowCount: 0,
    pendingOverflowCount: 0,
    idleClosedCount: 0,
    discardedCount: 0,
  };

  /** `sibling` is for the pool of both versions. */
  constructor(options: UpstreamPoolOptions, sibling: PoolSibling = noSibling('http/1.1')) {
    const { limits } = options;
    poolProblems(options).throwIfAny(InvalidOptionError);
    this.#options = options;
    this.#limits = limits;
    this.#sibling = sibling;
    this.#port = {
      limits: { ...messageLimits, bodyByteCountMax: Number.POSITIVE_INFINITY, ...limits },
      isSecure: options.tls !== undefined,
      rng: options.rng ?? systemRng,
      released: (connection, keepAliveMs) => this.#released(connection, keepAliveMs),
      gone: (connection) => this.#gone(connection),
    };
  }

  /** Counters since the start, and gauges, as they are now. */
  get stats(): PoolStats {
    return {
      ...this.#counts,
      connectionCount: this.connectionCount,
      idleCount: this.#idle.length,
      activeCount: this.activeCount,
      pendingCount: this.pendingCount,
    };
  }

  /** Connections, open or being opened. */
  get connectionCount(): number {
    return this.#connections.size + this.#dials.size;
  }

  /** Connections with a request on them. */
  get activeCount(): number {
    return this.#connections.size - this.#idle.length;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Whether requests wait because of the limit of connections. */
  get awaitsRoom(): boolean {
    return this.#pending.size > this.#dials.size && !this.#mayDial;
  }

  /** Bounds for requests from now on; what is over a lowered one lives on. */
  setLimits(limits: PoolLimits): void {
    this.#limits = limits;
  }

  /**
   * Sends a request on an idle connection or a new one. What happens is told to `events`, never
   * before this has returned; a limit that is reached is `overflow`.
   */
  request(outgoing: OutgoingRequest, events: TryEvents): ClientTry {
    const attempt = new UpstreamTry(this.#waiting, outgoing, events);
    const failure = this.#refusalOf(outgoing);
    if (failure !== undefined) {
      attempt.failLater(failure);
      return attempt;
    }
    this.#counts.requestCount += 1;
    const idle = this.#popIdle();
    if (idle !== undefined) {
      this.#counts.reusedCount += 1;
      idle.start(attempt);
    } else if (this.#pending.size + this.#sibling.pendingCount >= this.#limits.pendingCountMax) {
      this.#counts.pendingOverflowCount += 1;
      attempt.failLater(overflow('too many requests wait for a connection'));
    } else {
      this.#pending.add(attempt);
      this.dialIfNeeded();
    }
    return attempt;
  }

  /** Closes idle connections now and the others after their reply; takes no new request. */
  drain(): void {
    this.#isDraining = true;
    for (const connection of [...this.#idle]) connection.close();
  }

  /** Closes everything; what is in flight fails. */
  close(): void {
    this.drain();
    for (const dial of this.#dials) dial.cancel();
    this.#dials.clear();
    for (const attempt of this.#pending) attempt.failLater(closing);
    this.#pending.clear();
    for (const connection of [...this.#connections]) connection.wire.destroy();
  }

  /** For the pool of both versions: takes a connection that it has not dialled, and tries for it. */
  adopt(socket: Socket, tries: readonly UpstreamTry[]): void {
    for (const attempt of tries) {
      attempt.hold(this.#waiting);
      this.#pending.add(attempt);
    }
    this.#connected(socket);
    this.dialIfNeeded();
  }

  /** For the pool of both versions: gives away the tries that wait and need no version. */
  surrender(isMovable: (attempt: UpstreamTry) => boolean): UpstreamTry[] {
    const given = [...this.#pending].filter(isMovable);
    for (const attempt of given) this.#pending.delete(attempt);
    for (const dial of [...this.#dials].slice(this.#pending.size)) {
      dial.cancel();
      this.#dials.delete(dial);
    }
    return given;
  }

  /** Closes the connection that has been idle for longest, if there is one. */
  closeIdle(): void {
    const [oldest] = this.#idle;
    if (oldest === undefined) return;
    this.#counts.idleClosedCount += 1;
    oldest.close();
  }

  readonly #waiting = { cancelled: (attempt: UpstreamTry) => void this.#pending.delete(attempt) };

  #refusalOf(outgoing: OutgoingRequest): TryFailure | undefined {
    if (this.#isDraining) return closing;
    const { activeCount, pendingCount } = this.#sibling;
    const requestCount = this.activeCount + this.#pending.size + activeCount + pendingCount;
    if (requestCount >= this.#limits.requestCountMax) {
      this.#counts.requestOverflowCount += 1;
      return overflow('too many requests at a time');
    }
    const isSafe =
      consistsOf(outgoing.target, VISIBLE) &&
      consistsOf(outgoing.authority, VISIBLE) &&
      consistsOf(outgoing.method, TOKEN);
    return isSafe ? undefined : unwritable;
  }

  #popIdle(): UpstreamConnection | undefined {
    if (this.#idle.length === 0) return undefined;
    const nowMs = this.#options.clock.nowMs();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isUsable && nowMs < connection.idleUntilMs) return connection;
      this.#counts.idleClosedCount += 1;
      connection.close();
    }
  }

  #released(connection: UpstreamConnection, keepAliveMs: number): void {
    if (this.#isDraining) {
      connection.close();
      return;
    }
    const next = this.#shiftPending();
    if (next !== undefined) {
      this.#counts.reusedCount += 1;
      connection.start(next);
      return;
    }
    if (this.#sibling.awaitsRoom) connection.close();
    else this.#rest(connection, keepAliveMs - KEEP_ALIVE_MARGIN_MS);
  }

  #rest(connection: UpstreamConnection, keepAliveMs: number): void {
    const restMs = Math.min(this.#options.idleTimeoutMs, keepAliveMs);
    connection.idleUntilMs = this.#options.clock.nowMs() + restMs;
    this.#idle.push(connection);
    if (this.#reaper !== undefined) return;
    this.#reaper = this.#options.timers.after(Math.max(0, restMs), this.#reap);
  }

  readonly #reap = (): void => {
    this.#reaper = undefined;
    const nowMs = this.#options.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const connection of [...this.#idle]) {
      if (connection.idleUntilMs <= nowMs) {
        this.#counts.idleClosedCount += 1;
        connection.close();
      } else {
        nextMs = Math.min(nextMs, connection.idleUntilMs);
      }
    }
    if (nextMs === Number.POSITIVE_INFINITY) return;
    this.#reaper = this.#options.timers.after(Math.max(1, nextMs - nowMs), this.#reap);
  };

  #gone(connection: UpstreamConnection): void {
    if (!this.#connections.delete(connection)) return;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    else this.#counts.discardedCount += 1;
    this.dialIfNeeded();
    this.#sibling.roomMade();
  }

  #shiftPending(): UpstreamTry | undefined {
    for (const attempt of this.#pending) {
      this.#pending.delete(attempt);
      return attempt;
    }
    return undefined;
  }

  get #mayDial(): boolean {
    const count = this.connectionCount + this.#sibling.connectionCount;
    return count < this.#limits.connectionCountMax;
  }

  /** Opens connections for those that wait, as far as the limits go. */
  dialIfNeeded(): void {
    while (this.#dials.size < this.#pending.size && this.#mayDial) {
      if (!this.#dial()) return;
    }
    if (this.awaitsRoom) this.#sibling.makeRoom();
  }

  #dial(): boolean {
    this.#counts.connectCount += 1;
    const outcome = {
      onReady: (socket: Socket, protocol: Protocol) => {
        this.#dials.delete(dial);
        if (protocol === 'h2') this.#sibling.adopt(socket);
        else this.#connected(socket);
      },
      onFailed: (failure: TryFailure) => {
        this.#dials.delete(dial);
        this.#dialFailed(failure);
      },
    };
    let dial: Dial;
    try {
      dial = new Dial(this.#options, outcome, this.#sibling.protocols);
      this.#dials.add(dial);
      return true;
    } catch (thrown) {
      // Our own key or certificate cannot be read: no request can be sent until that changes.
      const detail = messageOf(thrown);
      const failure: TryFailure = { reason: 'connect-failed', unprocessed: true, detail };
      this.#counts.connectFailureCount += 1;
      for (const attempt of this.#pending) attempt.failLater(failure);
      this.#pending.clear();
      return false;
    }
  }

  #connected(socket: Socket): void {
    const connection = new UpstreamConnection(this.#port, (owner) => new Wire(socket, owner));
    this.#connections.add(connection);
    const next = this.#shiftPending();
    if (next !== undefined) connection.start(next);
    else if (this.#isDraining) connection.close();
    else this.#rest(connection, Number.POSITIVE_INFINITY);
  }

  #dialFailed(failure: TryFailure): void {
    if (failure.reason === 'connect-timeout') this.#counts.connectTimeoutCount += 1;
    else this.#counts.connectFailureCount += 1;
    this.#shiftPending()?.fail(failure);
    this.dialIfNeeded();
  }
}

const closing: TryFailure = {
  reason: 'connect-failed',
  unprocessed: true,
  detail: 'the pool takes no more requests',
};

const unwritable: TryFailure = {
  reason: 'connect-failed',
  unprocessed: true,
  detail: 'method, target or authority has a character that cannot be sent',
};

function overflow(detail: string): TryFailure {
  return { reason: 'overflow', unprocessed: true, detail };
}
