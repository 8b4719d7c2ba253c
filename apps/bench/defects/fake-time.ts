import type { Clock, TimerHandle, Timers } from '@leno/std';

interface SetTimer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Time that moves only when told, behind the ports that ours takes. */
export class FakeTime implements Clock, Timers {
  #nowMs = 0;
  #timers: readonly SetTimer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  after(delayMs: number, fire: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers = [...this.#timers, timer];
    return { cancel: () => this.#drop(timer) };
  }

  /** Fires what is due in order; what follows from each has happened before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = this.#timers.toSorted((one, other) => one.atMs - other.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#drop(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await settled();
    }
    this.#nowMs = endMs;
  }

  #drop(timer: SetTimer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }
}

/** Lets everything happen that follows from what has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
