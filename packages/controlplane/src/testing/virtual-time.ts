import type { Clock, TimerHandle, Timers } from '@leno/std';

/** A clock that stands until it is told to pass, and fires timers on its way. For tests. */
export class VirtualTime implements Clock, Timers {
  #nowMs = 0;
  readonly #waiting = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_800_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, fire: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#waiting.add(timer);
    return { cancel: () => void this.#waiting.delete(timer) };
  }

  /** Lets `ms` go by; each timer fires at its time, and what it starts gets to run. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = [...this.#waiting].filter((it) => it.atMs <= untilMs);
      const [next] = due.toSorted((left, right) => left.atMs - right.atMs);
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
      await settle();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets promises that are ready run, and those that they make ready. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
