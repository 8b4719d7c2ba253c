import type { Dispatcher } from 'undici';

/**
 * What the caller's handler steers by: stays the same while attempts come and go, and steers the
 * attempt whose reply is given out.
 */
export class Relay implements Dispatcher.DispatchController {
  readonly #controller = new AbortController();
  #target: Dispatcher.DispatchController | undefined;
  #isPaused = false;

  /** Aborts when the handler aborts. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get reason(): Error | null {
    return this.aborted ? (this.#controller.signal.reason as Error) : null;
  }

  /** From now on that attempt is steered. */
  set target(target: Dispatcher.DispatchController | undefined) {
    this.#target = target;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.#controller.abort(reason);
    this.#target?.abort(reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#target?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#target?.resume();
  }
}
