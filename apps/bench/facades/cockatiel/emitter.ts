export interface Disposable {
  dispose(): void;
}

export type Event<T> = (listener: (value: T) => void) => Disposable;

/** Tells its listeners, in the order in which they came. */
export class Emitter<T> {
  readonly #listeners = new Set<{ readonly listener: (value: T) => void }>();

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  readonly event: Event<T> = (listener) => {
    const entry = { listener };
    this.#listeners.add(entry);
    return { dispose: () => void this.#listeners.delete(entry) };
  };

  emit(value: T): void {
    for (const { listener } of this.#listeners) listener(value);
  }
}
