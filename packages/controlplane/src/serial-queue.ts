/** Runs asynchronous work one piece after the other, in the order in which it came. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();

  /** What `work` gives, once everything before it is done. A failure stops nothing behind it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }
}
