import type { Alarm } from './observatory.ts';

/** What is wrong now, each under a code of its own, until it is cleared. */
export class Alarms {
  readonly #alarms = new Map<string, Alarm>();

  /** Raised again, an alarm keeps its first moment and takes the newest words. */
  raise(code: string, message: string, wallMs: number): void {
    const sinceMs = this.#alarms.get(code)?.sinceMs ?? wallMs;
    this.#alarms.set(code, { code, message, sinceMs });
  }

  clear(code: string): void {
    this.#alarms.delete(code);
  }

  /** In the order in which they came. */
  list(): readonly Alarm[] {
    return [...this.#alarms.values()];
  }
}
