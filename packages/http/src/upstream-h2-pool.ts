/**
 * The connections to one upstream address that speaks HTTP/2: few, each with many requests. The first
 * one with room is used, so that those not needed grow old and are closed; another is opened when none
 * has room; requests wait in a bounded queue meanwhile.
 */
import type { Socket } from 'node:net';
import { messageOf, type TimerHandle } from '@leno/std';
import { Dial } from './dialer.ts';
import type { ClientTry, OutgoingRequest, TryEvents, TryFailure } from './exchange.ts';
import { type H2Limits, type H2Stats, h2LimitsOf, newH2Stats } from './h2/h2-options.ts';
import { consistsOf, TOKEN, VISIBLE } from './octets.ts';
import { poolProblems } from './option-checks.ts';
import type { ClientPool, PoolLimits, PoolStats, UpstreamPoolOptions } from './pool-options.ts';
import { noSibling, type PoolSibling, type Protocol } from './pool-sibling.ts';
import { type H2PoolPort, UpstreamH2Connection } from './upstream-h2-connection.ts';
import { UpstreamTry } from './upstream-try.ts';
import { Wire } from './wire.ts';

/** As for HTTP/1.1, and bounds of the connections themselves. */
export interface UpstreamH2PoolOptions extends UpstreamPoolOptions {
  /**
   * `streamCountMax` bounds the requests on one connection, whatever the upstream allows. The windows
   * are 256 KiB for a stream and 4 MiB for a connection by default.
   */
  readonly http2?: Partial<H2Limits>;
  /** Opens more connections than must be; by default only where none has room. */
  readonly spread?: H2Spread | undefined;
}

/**
 * One connection is one core at its other end. Where several processes serve behind one address, each
 * with its own connections, a busy pool needs several to reach more than one of them.
 */
export interface H2Spread {
  /** A connection with so many requests is busy; when all are, another is opened beside them. */
  readonly busyStreamCount: number;
  /** But not more than so many. */
  readonly connectionCountMax: number;
}

const SWEEP_MS = 1_000;
/** No request waits for a connection that only spreads: where one cannot be had, that has time. */
const SPREAD_RETRY_MS = 1_000;
/** Wider than a server's: with many replies of 64 KiB at a time its peer need not queue them. */
const STREAM_WINDOW_BYTES = 256 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;

/** Speaks HTTP/2 by ALPN over TLS, with prior knowledge in the clear. */
export class UpstreamH2Pool implements ClientPool {
  readonly #options: UpstreamH2PoolOptions;
  readonly #port: H2PoolPort;
  readonly #sibling: PoolSibling;
  readonly #h2Stats: H2Stats = newH2Stats();
  #limits: PoolLimits;
  readonly #connections = new Set<UpstreamH2Connection>(); // In the order of their opening.
  readonly #dials = new Set<Dial>();
  readonly #pending = new Set<UpstreamTry>(); // In the order of their arrival.
  #sweeper: TimerHandle | undefined = undefined;
  #isDraining = false;
  #spreadAgainMs = 0;
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
  constructor(options: UpstreamH2PoolOptions, sibling: PoolSibling = noSibling('h2')) {
    const { limits } = options;
    const problems = poolProblems(options);
    this.#options = options;
    this.#limits = limits;
    this.#sibling = sibling;
    this.#port = {
      limits: h2LimitsOf(
        {
          streamWindowByteCount: STREAM_WINDOW_BYTES,
          connectionWindowByteCount: CONNECTION_WINDOW_BYTES,
          bodyByteCountMax: Number.POSITIVE_INFINITY,
          ...limits,
          ...options.http2,
        },
        problems,
      ),
      stats: this.#h2Stats,
      isSecure: options.tls !== undefined,
      silenceMs: options.connectTimeoutMs,
      nowMs: () => options.clock.nowMs(),
      changed: (connection) => this.#changed(connection),
      unwelcome: (why) => this.#unwelcome(why),
      gone: (connection) => this.#gone(connection),
    };
  }

  /** Counters since the start, and gauges, as they are now. `activeCount` counts requests. */
  get stats(): PoolStats & { readonly http2: Readonly<H2Stats> } {
    let idleCount = 0;
    for (const connection of this.#connections) if (connection.activeCount === 0) idleCount += 1;
    return {
      ...this.#counts,
      connectionCount: this.connectionCount,
      idleCount,
      activeCount: this.activeCount,
      pendingCount: this.pendingCount,
      http2: this.#h2Stats,
    };
  }

  /** Connections, open or being opened. */
  get connectionCount(): number {
    return this.#connections.size + this.#dials.size;
  }

  /** Requests on connections. */
  get activeCount(): number {
    let count = 0;
    for (const connection of this.#connections) count += connection.activeCount;
    return count;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Whether a connection is there that takes an upgrade at once, by extended CONNECT. */
  get takesUpgrade(): boolean {
    return this.#withRoom()?.takesProtocols ?? false;
  }

  /** Whether requests wait because of the limit of connections. */
  get awaitsRoom(): boolean {
    return this.#needsDial && !this.#mayDial;
  }

  /** Bounds for requests from now on; what is over a lowered one lives on. */
  setLimits(limits: PoolLimits): void {
    this.#limits = limits;
  }

  /** Sends a request, as a pool of HTTP/1.1 does. */
  request(outgoing: OutgoingRequest, events: TryEvents): ClientTry {
    const attempt = new UpstreamTry(this.#waiting, outgoing, events);
    const failure = this.#refusalOf(outgoing);
    if (failure !== undefined) {
      attempt.failLater(failure);
      return attempt;
    }
    this.#counts.requestCount += 1;
    const connection = this.#withRoom();
    if (connection !== undefined) {
      this.#counts.reusedCount += 1;
      connection.start(attempt);
      this.#spreadIfBusy(connection);
    } else if (this.#pending.size + this.#sibling.pendingCount >= this.#limits.pendingCountMax) {
      this.#counts.pendingOverflowCount += 1;
      attempt.failLater(overflow('too many requests wait for a connection'));
    } else {
      this.#pending.add(attempt);
      this.dialIfNeeded();
    }
    return attempt;
  }

  /** Says GOAWAY; connections end when the requests on them have. Takes no new request. */
  drain(): void {
    this.#isDraining = true;
    if (this.#pending.size > 0) return; // Those that wait have been promised a connection.
    for (const connection of this.#connections) connection.drain();
  }

  /** Closes everything; what is in flight fails. */
  close(): void {
    this.#isDraining = true;
    for (const dial of this.#dials) dial.cancel();
    this.#dials.clear();
    for (const attempt of this.#pending) attempt.failLater(closing);
    this.#pending.clear();
    for (const connection of [...this.#connections]) connection.close();
  }

  /** For the pool of both versions: takes a connection that it has not dialled, and tries for it. */
  adopt(socket: Socket, tries: readonly UpstreamTry[]): void {
    for (const attempt of tries) {
      attempt.hold(this.#waiting);
      this.#pending.add(attempt);
    }
    this.#connected(socket);
  }

  /** For the pool of both versions: gives away the tries that wait. */
  surrender(): UpstreamTry[] {
    const given = [...this.#pending];
    this.#pending.clear();
    return given;
  }

  /** Lets go of a connection that nothing is on, if there is one. */
  closeIdle(): void {
    for (const connection of this.#connections) {
      if (!isIdle(connection)) continue;
      this.#counts.idleClosedCount += 1;
      connection.drain();
      return;
    }
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

  /** The first that is not busy, or the least busy one. */
  #withRoom(): UpstreamH2Connection | undefined {
    const busyCount = this.#options.spread?.busyStreamCount ?? 1;
    let least: UpstreamH2Connection | undefined;
    for (const connection of this.#connections) {
      if (connection.roomCount <= 0 || connection.wire.isDestroyed) continue;
      if (this.#options.spread === undefined || connection.activeCount < busyCount) {
        return connection;
      }
      if (least === undefined || connection.activeCount < least.activeCount) least = connection;
    }
    return least;
  }

  /** `taken` was the least busy one. */
  #spreadIfBusy(taken: UpstreamH2Connection): void {
    const { spread, clock } = this.#options;
    if (spread === undefined || taken.activeCount < spread.busyStreamCount) return;
    if (this.connectionCount >= spread.connectionCountMax || this.#dials.size > 0) return;
    if (!this.#mayDial || clock.nowMs() < this.#spreadAgainMs) return;
    this.#spreadAgainMs = clock.nowMs() + SPREAD_RETRY_MS;
    this.#dial();
  }

  /** Room was made, or there will be none: who waits is served or another connection is opened. */
  #changed(connection: UpstreamH2Connection): void {
    if (connection.activeCount === 0) connection.idleSinceMs = this.#options.clock.nowMs();
    this.#startPending();
    if (this.#isDraining && this.#pending.size === 0) connection.drain();
    else if (isIdle(connection) && this.#sibling.awaitsRoom) connection.drain();
    this.dialIfNeeded();
  }

  #startPending(): void {
    for (const attempt of this.#pending) {
      const connection = this.#withRoom();
      if (connection === undefined) return;
      this.#pending.delete(attempt);
      connection.start(attempt);
    }
  }

  #gone(connection: UpstreamH2Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#counts.discardedCount += 1;
    if (this.#connections.size === 0) {
      this.#sweeper?.cancel();
      this.#sweeper = undefined;
    }
    this.dialIfNeeded();
    this.#sibling.roomMade();
  }

  /**
   * A connection was closed before it took a single try, as by a server to whom our certificate is nobody:
   * whoever waits has waited for this connection, and another would not fare better.
   */
  #unwelcome(detail: string): void {
    this.#dialFailed({ reason: 'connect-failed', unprocessed: true, detail });
  }

  /** Whether requests wait and no connection for them is on its way. */
  get #needsDial(): boolean {
    if (this.#pending.size === 0 || this.#dials.size > 0) return false;
    for (const connection of this.#connections) if (connection.isGreeting) return false;
    return true;
  }

  get #mayDial(): boolean {
    let liveCount = this.#sibling.connectionCount;
    for (const connection of this.#connections) if (!connection.isGoing) liveCount += 1;
    return liveCount < this.#limits.connectionCountMax;
  }

  /** Opens one connection at a time, for one takes many. */
  dialIfNeeded(): void {
    if (!this.#needsDial) return;
    if (this.#mayDial) this.#dial();
    else this.#sibling.makeRoom();
  }

  #dial(): void {
    this.#counts.connectCount += 1;
    const outcome = {
      onReady: (socket: Socket, protocol: Protocol) => {
        this.#dials.delete(dial);
        if (protocol === 'h2') this.#connected(socket);
        else this.#sibling.adopt(socket);
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
    } catch (thrown) {
      // Our own key or certificate cannot be read: no request can be sent until that changes.
      const detail = messageOf(thrown);
      this.#counts.connectFailureCount += 1;
      for (const attempt of this.#pending) {
        attempt.failLater({ reason: 'connect-failed', unprocessed: true, detail });
      }
      this.#pending.clear();
    }
  }

  #connected(socket: Socket): void {
    const connection = new UpstreamH2Connection(this.#port, (owner) => new Wire(socket, owner));
    this.#connections.add(connection);
    this.#sweeper ??= this.#options.timers.after(SWEEP_MS, this.#sweep);
  }

  /** Everybody who waits has waited for this connection. */
  #dialFailed(failure: TryFailure): void {
    if (failure.reason === 'connect-timeout') this.#counts.connectTimeoutCount += 1;
    else this.#counts.connectFailureCount += 1;
    const waiting = [...this.#pending];
    this.#pending.clear();
    for (const attempt of waiting) attempt.fail(failure);
    this.dialIfNeeded();
  }

  readonly #sweep = (): void => {
    const nowMs = this.#options.clock.nowMs();
    for (const connection of [...this.#connections]) {
      connection.sweep(nowMs);
      const quietMs = nowMs - connection.idleSinceMs;
      // Its greeting is a part of what connecting means.
      if (connection.isGreeting && quietMs >= this.#options.connectTimeoutMs) connection.close();
      if (!isIdle(connection) || quietMs < this.#options.idleTimeoutMs) continue;
      this.#counts.idleClosedCount += 1;
      connection.drain();
    }
    this.#sweeper =
      this.#connections.size === 0 ? undefined : this.#options.timers.after(SWEEP_MS, this.#sweep);
  };
}

function isIdle(connection: UpstreamH2Connection): boolean {
  return connection.activeCount === 0 && !connection.isGreeting && !connection.isGoing;
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
