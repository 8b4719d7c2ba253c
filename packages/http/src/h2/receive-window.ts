/**
 * What the other side may send on all streams together (RFC 9113 §6.9). Octets that were taken are
 * announced again when they are half of the window: seldom, and before the sender has to stop.
 */
import { WINDOW_BYTES_DEFAULT } from './frame.ts';

export class ReceiveWindow {
  /** What the other side may send now. */
  available = WINDOW_BYTES_DEFAULT;
  readonly #byteCount: number;
  #unannounced: number;

  /** At first it is that of the protocol; the rest is announced with the first `take`. */
  constructor(byteCount: number) {
    this.#byteCount = byteCount;
    this.#unannounced = byteCount - WINDOW_BYTES_DEFAULT;
  }

  /** Octets have come; false if they are more than was allowed. */
  receive(byteCount: number): boolean {
    this.available -= byteCount;
    return this.available >= 0;
  }

  /** Octets were taken. Gives what is to be announced now, or 0. */
  take(byteCount: number): number {
    this.#unannounced += byteCount;
    if (this.#unannounced * 2 < this.#byteCount) return 0;
    return this.announce();
  }

  /** Gives what was not announced, and counts it as announced. */
  announce(): number {
    const increment = this.#unannounced;
    this.available += increment;
    this.#unannounced = 0;
    return increment;
  }
}
