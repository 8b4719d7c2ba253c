import type { CallContext, CallFunction, CancelKind, Frame, Lane, Stage, Upper } from './frame.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** The function of the call itself, as the innermost stage. */
export const innermost: Stage = (up, lane) => new Attempt(up, lane, lane.call.fn);

/** One run of a function of the call: the innermost frame, and the context that it is given. */
export class Attempt implements CallContext, Frame {
  readonly #up: Upper;
  readonly #lane: Lane;
  readonly #fn: CallFunction<unknown>;
  #isDone: boolean;
  #controller: AbortController | undefined;
  #cancelled: Cancelled | undefined;

  constructor(up: Upper, lane: Lane, fn: CallFunction<unknown>) {
    this.#up = up;
    this.#lane = lane;
    this.#fn = fn;
    this.#isDone = false;
    this.#controller = undefined;
    this.#cancelled = undefined;
  }

  get attempt(): number {
    return this.#lane.attempt;
  }

  get hedge(): number {
    return this.#lane.hedge;
  }

  get signal(): AbortSignal {
    this.#controller ??= controllerFor(this.#cancelled);
    return this.#controller.signal;
  }

  get key(): string | undefined {
    return this.#lane.call.key;
  }

  get deadlineMs(): number {
    return this.#up.deadlineMs;
  }

  begin(): void {
    const { call, holder } = this.#lane;
    call.attemptCount += 1;
    holder?.workBegan();
    let result: unknown;
    try {
      const fn = this.#fn;
      result = fn(this);
      if (isThenable(result)) {
        // Resolved, not used as it is: a foreign thenable may call back twice, or throw.
        Promise.resolve(result).then(
          (value: unknown) => this.#gave(value),
          (thrown: unknown) => this.#threw(thrown),
        );
        call.touch();
        return;
      }
    } catch (thrown) {
      this.#threw(thrown);
      return;
    }
    this.#gave(result);
  }

  /** Nothing may throw out of here: there is nobody above who would hear of it. */
  #gave(value: unknown): void {
    const { call, holder } = this.#lane;
    call.touch();
    try {
      holder?.workEnded();
      if (this.#isDone) {
        call.discard(value);
        return;
      }
      this.#isDone = true;
      this.#up.returned(value, this);
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  #threw(thrown: unknown): void {
    const { call, holder } = this.#lane;
    call.touch();
    try {
      holder?.workEnded();
      if (this.#isDone) return; // Nobody waits for it any more.
      this.#isDone = true;
      this.#up.ended('failed', thrown, this);
    } catch (crash) {
      call.crash(crash);
    }
  }

  cancel(kind: CancelKind, reason: unknown): void {
    if (this.#isDone) return;
    // Decided before the function hears of it, or it could end the call with something else.
    this.#isDone = true;
    this.#abort({ kind, reason });
  }

  warn(error: TimedOutError): void {
    if (!this.#isDone) this.#abort({ kind: 'timed-out', reason: error });
  }

  #abort(cancelled: Cancelled): void {
    this.#cancelled ??= cancelled;
    if (this.#controller !== undefined) abort(this.#controller, cancelled);
  }
}

interface Cancelled {
  readonly kind: CancelKind;
  readonly reason: unknown;
}

function controllerFor(cancelled: Cancelled | undefined): AbortController {
  const controller = new AbortController();
  if (cancelled !== undefined) abort(controller, cancelled);
  return controller;
}

function abort(controller: AbortController, { kind, reason }: Cancelled): void {
  // Without a reason the runtime makes its own AbortError.
  if (kind === 'discarded') controller.abort();
  else controller.abort(reason);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && 'then' in value && typeof value.then === 'function';
}
