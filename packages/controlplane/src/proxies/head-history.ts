import { BoundedQueue } from '@leno/std';

/**
 * When the head passed each version, for the last 1,024 of them: from it comes how long somebody
 * has been behind, and how long a change took to be everywhere.
 */
export class HeadHistory {
  readonly #moves = new BoundedQueue<{ readonly version: number; readonly atMs: number }>(1_024);

  /** The head is at `version` from now on. */
  moved(version: number, atMs: number): void {
    this.#moves.pushEvicting({ version, atMs });
  }

  /** When the first version after `version` came; undefined if there is none, or if nobody remembers. */
  firstAfter(version: number): number | undefined {
    for (const it of this.#moves) if (it.version > version) return it.atMs;
    return undefined;
  }

  /** When the head came to `version` or beyond. */
  reached(version: number): number | undefined {
    return this.firstAfter(version - 1);
  }
}
