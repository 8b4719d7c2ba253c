/** What becomes of the body of a reply that is not used, because another try follows. */
import type { BodySink } from '@leno/http';
import type { TimerHandle, Timers } from '@leno/std';

const BYTES_MAX = 16_384;
const WITHIN_MS = 1_000;

/**
 * Swallows a short reply, so that its connection can serve again. One that is long or slow is not
 * worth a connection: `giveUp` is called then, at most once.
 */
export class Discard implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #giveUp: () => void;
  readonly #late: TimerHandle;
  #byteCount = 0;

  constructor(timers: Timers, giveUp: () => void) {
    this.#giveUp = giveUp;
    this.#late = timers.after(WITHIN_MS, giveUp);
  }

  write(chunk: Uint8Array): boolean {
    this.#byteCount += chunk.length;
    if (this.#byteCount > BYTES_MAX) {
      this.#byteCount = Number.NEGATIVE_INFINITY;
      this.#late.cancel();
      this.#giveUp();
    }
    return true;
  }

  end(): void {
    this.#late.cancel();
  }

  abort(): void {
    this.#late.cancel();
  }
}
