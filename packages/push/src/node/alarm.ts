import type { Clock, TimerHandle, Timers } from '@leno/std';

/**
 * One timer that follows a moving deadline. It is only set anew when the deadline comes nearer: one
 * that moves away is found out when the timer fires, which costs a machine nothing.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #fire: () => void;
  #handle: TimerHandle | undefined;
  #setForMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, timers: Timers, fire: () => void) {
    this.#clock = clock;
    this.#timers = timers;
    this.#fire = fire;
  }

  /** Fires at `atMs` or somewhat earlier, never later; `Infinity` asks for nothing. */
  setFor(atMs: number): void {
    if (this.#handle !== undefined && this.#setForMs <= atMs) return;
    this.cancel();
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#setForMs = atMs;
    const delayMs = Math.min(Math.max(0, atMs - this.#clock.nowMs()), 2 ** 31 - 1);
    // Runtimes cut delays to whole milliseconds: round up, or the alarm comes too early and spins.
    this.#handle = this.#timers.after(Math.ceil(delayMs), () => {
      this.#handle = undefined;
      this.#setForMs = Number.POSITIVE_INFINITY;
      this.#fire();
    });
  }

  cancel(): void {
    this.#handle?.cancel();
    this.#handle = undefined;
    this.#setForMs = Number.POSITIVE_INFINITY;
  }
}
