/**
 * A client of HTTP/1.1 that ends its half while its reply is awaited: it may read on (RFC 9112 §9.6), or
 * it may have gone, for a socket that is closed says no more than that at first. A probe does not tell:
 * a kernel answers keep-alive for a socket that nobody has any more, and resets only upon octets, which
 * only a reply may have. So the reply has a time in which to begin, and to go on; silence longer than
 * that ends the connection, and frees what it held upstream.
 */
import type { TimerHandle, Timers } from '@leno/std';
import type { Wire } from './wire.ts';

export class HalfCloseGrace {
  readonly #wire: Wire;
  readonly #timers: Timers;
  readonly #graceMs: number;
  readonly #onGone: () => void;
  #progress = 0;
  #timer: TimerHandle | undefined = undefined;

  /** `onGone` is called once, unless it is cancelled, when nothing was written for `graceMs`. */
  constructor(wire: Wire, timers: Timers, graceMs: number, onGone: () => void) {
    this.#wire = wire;
    this.#timers = timers;
    this.#graceMs = graceMs;
    this.#onGone = onGone;
    this.#arm();
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#progress = this.#wire.progress;
    this.#timer = this.#timers.after(this.#graceMs, () => {
      // What is queued is the client's to take, for as long as any client may take.
      const hasMoved = this.#wire.progress !== this.#progress || this.#wire.queuedByteCount > 0;
      if (hasMoved) this.#arm();
      else this.#onGone();
    });
  }
}
