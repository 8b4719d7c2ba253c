/**
 * Counts what costs the other side nothing and us something, and ends the connection of whoever
 * sends more of it than anybody needs (RFC 9113 §10.5): frames per second by kind, and streams that
 * are reset almost as soon as they are opened (CVE-2023-44487), by either side (CVE-2025-8671).
 *
 * Resets are judged as Envoy judges them: many, and more than half of all streams. Counts fade, so
 * that an old connection may be judged by what it does now.
 */
import { ENHANCE_YOUR_CALM } from './error-code.ts';
import { H2ConnectionError } from './h2-connection-error.ts';

/** How many per second of each kind, and how many early resets. Beyond it: ENHANCE_YOUR_CALM. */
export interface FloodLimits {
  /** SETTINGS frames per second. Default 50. */
  readonly settingsRateMax: number;
  /** PING frames per second. Default 500: measuring of bandwidth sends one per round trip. */
  readonly pingRateMax: number;
  /** DATA frames per second that are empty and end nothing. Default 100. */
  readonly emptyDataRateMax: number;
  /** WINDOW_UPDATE frames per second, beyond those that our own DATA gives reason for. Default 1 000. */
  readonly windowUpdateRateMax: number;
  /** PRIORITY, RST_STREAM on closed streams and frames of unknown types per second. Default 1 000. */
  readonly idleFrameRateMax: number;
  /** Streams per second beyond those that may be open at a time. Default 1 000. */
  readonly refusedStreamRateMax: number;
  /** Early resets at which the connection is ended if they are more than half of its streams. Default 500. */
  readonly earlyResetCountMax: number;
  /** A reset is early within this after its stream was opened. Default 1 s. */
  readonly earlyResetMs: number;
}

export const floodLimits: FloodLimits = {
  settingsRateMax: 50,
  pingRateMax: 500,
  emptyDataRateMax: 100,
  windowUpdateRateMax: 1_000,
  idleFrameRateMax: 1_000,
  refusedStreamRateMax: 1_000,
  earlyResetCountMax: 500,
  earlyResetMs: 1_000,
};

/** What is counted per second. */
export type FloodKind =
  | 'settings'
  | 'ping'
  | 'emptyData'
  | 'windowUpdate'
  | 'idleFrame'
  | 'refusedStream';

/** Connections that were ended for each; a live view. */
export interface FloodStats {
  settingsFloodCount: number;
  pingFloodCount: number;
  emptyDataFloodCount: number;
  windowUpdateFloodCount: number;
  idleFrameFloodCount: number;
  refusedStreamFloodCount: number;
  earlyResetFloodCount: number;
}

const PERIOD_MS = 1_000;

export class FloodGuard {
  readonly #limits: FloodLimits;
  readonly #stats: FloodStats;
  readonly #max: Readonly<Record<FloodKind, number>>;
  readonly #counts: Record<FloodKind, number> = {
    settings: 0,
    ping: 0,
    emptyData: 0,
    windowUpdate: 0,
    idleFrame: 0,
    refusedStream: 0,
  };
  #periodStartMs = Number.NEGATIVE_INFINITY;
  #openedCount = 0;
  #earlyResetCount = 0;

  constructor(limits: FloodLimits, stats: FloodStats) {
    this.#limits = limits;
    this.#stats = stats;
    this.#max = {
      settings: limits.settingsRateMax,
      ping: limits.pingRateMax,
      emptyData: limits.emptyDataRateMax,
      windowUpdate: limits.windowUpdateRateMax,
      idleFrame: limits.idleFrameRateMax,
      refusedStream: limits.refusedStreamRateMax,
    };
  }

  /** One more. Throws `H2ConnectionError` if that is one too many. */
  count(kind: FloodKind, nowMs: number): void {
    // Time that runs backwards begins a new period, too.
    const elapsedMs = nowMs - this.#periodStartMs;
    if (!(elapsedMs >= 0 && elapsedMs < PERIOD_MS)) this.#beginPeriod(nowMs);
    this.#counts[kind] += 1;
    if (this.#counts[kind] <= this.#max[kind]) return;
    this.#stats[`${kind}FloodCount`] += 1;
    throw new H2ConnectionError(ENHANCE_YOUR_CALM, `too many frames per second: ${kind}`);
  }

  /** We gave reason for `count` of them. */
  earn(kind: FloodKind, count: number): void {
    const left = this.#counts[kind] - count;
    this.#counts[kind] = left > 0 ? left : 0;
  }

  streamOpened(): void {
    this.#openedCount += 1;
    if (this.#openedCount < 2 * this.#limits.earlyResetCountMax) return;
    this.#openedCount = Math.floor(this.#openedCount / 2);
    this.#earlyResetCount = Math.floor(this.#earlyResetCount / 2);
  }

  /** A stream was reset before its reply was whole. Throws as `count` does. */
  streamReset(openedAtMs: number, nowMs: number): void {
    if (nowMs - openedAtMs >= this.#limits.earlyResetMs) return;
    this.#earlyResetCount += 1;
    // More than half, for fewer than twice as many are counted.
    if (this.#earlyResetCount < this.#limits.earlyResetCountMax) return;
    this.#stats.earlyResetFloodCount += 1;
    throw new H2ConnectionError(ENHANCE_YOUR_CALM, 'too many streams are reset early');
  }

  #beginPeriod(nowMs: number): void {
    this.#periodStartMs = nowMs;
    this.#counts.settings = 0;
    this.#counts.ping = 0;
    this.#counts.emptyData = 0;
    this.#counts.windowUpdate = 0;
    this.#counts.idleFrame = 0;
    this.#counts.refusedStream = 0;
  }
}
