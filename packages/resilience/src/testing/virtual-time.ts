import type { Clock, Timers } from '@leno/std';

/** Time that moves only when told. */
export class VirtualTime implements Clock, Timers {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly fire: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  after(delayMs: number, fire: () => void): { cancel(): void } {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /**
   * Moves on, firing what is due in order; everything that follows from it has happened afterwards.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = this.#timers.toSorted((one, other) => one.atMs - other.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = next.atMs;
      next.fire();
      await settled();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything happen that follows from what has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** What became of a promise so far. */
export function follow<T>(promise: Promise<T>): { value?: T; thrown?: unknown } {
  const seen: { value?: T; thrown?: unknown } = {};
  promise.then(
    (value) => Object.assign(seen, { value }),
    (thrown: unknown) => Object.assign(seen, { thrown }),
  );
  return seen;
}
