/**
 * Keeps the page connected: opens the stream, opens it again when it ends, and takes a stream that
 * says nothing for a while for one that ended.
 *
 *   connecting --frame--> live --end, or silence--> offline --delay--> connecting …
 */
import { type Frame, parseFrame } from './api.ts';

/** What a socket tells. */
export interface SocketEvents {
  message(data: unknown): void;
  end(): void;
}

export type Link =
  | { readonly kind: 'connecting' | 'live' }
  | { readonly kind: 'offline'; readonly sinceMs: number; readonly retryAtMs: number };

export interface StreamPorts {
  /** Opens a socket; gives what closes it. */
  readonly open: (events: SocketEvents) => () => void;
  readonly nowMs: () => number;
  /** Calls once after a delay; gives what takes it back. */
  readonly after: (delayMs: number, fire: () => void) => () => void;
  readonly rng: () => number;
  readonly onFrame: (frame: Frame) => void;
  readonly onLink: (link: Link) => void;
}

/** A frame comes each second; this long without one and the stream counts as dead. */
export const silenceMsMax = 5_000;
const firstRetryMs = 500;
const retryMsMax = 5_000;

/** The stream of one page. It never gives up; `stop` ends it. */
export class LiveStream {
  readonly #ports: StreamPorts;
  #close: (() => void) | undefined;
  /** Counts sockets, so that one which was given up is told from the present one. */
  #epoch = 0;
  #cancel: () => void = () => undefined;
  #failureCount = 0;
  #lostAtMs: number | undefined;
  #isLive = false;

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  /** Connects, at once and whatever delay is running. */
  connect(): void {
    this.#abandon();
    this.#isLive = false;
    if (this.#lostAtMs === undefined) this.#ports.onLink({ kind: 'connecting' });
    const epoch = this.#epoch;
    this.#close = this.#ports.open({
      message: (data) => {
        const frame = typeof data === 'string' ? parseFrame(data) : undefined;
        if (epoch === this.#epoch && frame !== undefined) this.#alive(frame);
      },
      end: () => {
        if (epoch === this.#epoch) this.#lost();
      },
    });
    this.#watch();
  }

  stop(): void {
    this.#abandon();
  }

  #alive(frame: Frame): void {
    if (!this.#isLive) this.#ports.onLink({ kind: 'live' });
    this.#isLive = true;
    this.#failureCount = 0;
    this.#lostAtMs = undefined;
    this.#ports.onFrame(frame);
    this.#watch();
  }

  #watch(): void {
    this.#cancel();
    this.#cancel = this.#ports.after(silenceMsMax, () => this.#lost());
  }

  /** Delays double, with jitter, so that a thousand pages do not come back at once. */
  #lost(): void {
    this.#abandon();
    this.#isLive = false;
    const nowMs = this.#ports.nowMs();
    this.#lostAtMs ??= nowMs;
    const ceilingMs = Math.min(retryMsMax, firstRetryMs * 2 ** this.#failureCount);
    const delayMs = ceilingMs * (0.5 + this.#ports.rng() / 2);
    this.#failureCount += 1;
    this.#ports.onLink({ kind: 'offline', sinceMs: this.#lostAtMs, retryAtMs: nowMs + delayMs });
    this.#cancel = this.#ports.after(delayMs, () => this.connect());
  }

  #abandon(): void {
    this.#cancel();
    this.#epoch += 1;
    this.#close?.();
    this.#close = undefined;
  }
}
