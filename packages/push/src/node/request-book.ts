interface Waiter {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Who waits for which answer. Its size is bounded by the machine, which refuses what is too much. */
export class RequestBook {
  readonly #waiters = new Map<string, Waiter[]>();

  /** Settles when `resolve` or `reject` names `ref`; several may wait for one answer. */
  expect<T>(ref: string): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiter = { resolve: resolve as (value: unknown) => void, reject };
      this.#waiters.set(ref, [...(this.#waiters.get(ref) ?? []), waiter]);
    });
  }

  /** Answers all who wait for `ref`. */
  resolve(ref: string, value: unknown): void {
    for (const waiter of this.#take(ref)) waiter.resolve(value);
  }

  /** Fails all who wait for `ref`; false if nobody does. */
  reject(ref: string, error: Error): boolean {
    const waiters = this.#take(ref);
    for (const waiter of waiters) waiter.reject(error);
    return waiters.length > 0;
  }

  #take(ref: string): readonly Waiter[] {
    const waiters = this.#waiters.get(ref) ?? [];
    this.#waiters.delete(ref);
    return waiters;
  }
}
