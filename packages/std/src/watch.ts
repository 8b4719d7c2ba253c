/** Stops a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

/**
 * A value that changes, and those who want to know. Subscribers are called synchronously, in the
 * order in which they came, with the value that is current when they are called; setting from
 * within a subscriber is allowed and reaches everybody once more. A subscriber that throws stops nobody else: its
 * error is thrown again after all have been called.
 */
export class Watch<T> {
  #value: T;
  readonly #subscribers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  /** Sets the value and tells everybody, unless it is the very value that is there (`Object.is`). */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    let failure: { readonly thrown: unknown } | undefined;
    for (const subscriber of [...this.#subscribers]) {
      if (!this.#subscribers.has(subscriber)) continue;
      try {
        subscriber(this.#value);
      } catch (thrown) {
        failure ??= { thrown };
      }
    }
    if (failure !== undefined) throw failure.thrown;
  }

  /** Calls `subscriber` at once with the current value and then on every change. */
  subscribe(subscriber: (value: T) => void): Unsubscribe {
    // A wrapper of its own makes two subscriptions of one function independent.
    const own = (value: T): void => subscriber(value);
    this.#subscribers.add(own);
    own(this.#value);
    return () => this.#subscribers.delete(own);
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }
}
