/** How a stream ended, for frames that come late (RFC 9113 §5.1). */
export type Closing = 'ended' | 'reset-by-us' | 'reset-by-peer';

const CAPACITY = 128;
const CLOSINGS: readonly Closing[] = ['ended', 'reset-by-us', 'reset-by-peer'];

/** The streams that were closed last; older ones are forgotten. Written often, read hardly ever. */
export class ClosedStreams {
  readonly #ids = new Int32Array(CAPACITY);
  readonly #closings = new Uint8Array(CAPACITY);
  #next = 0;

  add(streamId: number, closing: Closing): void {
    this.#ids[this.#next] = streamId;
    this.#closings[this.#next] = CLOSINGS.indexOf(closing);
    this.#next = (this.#next + 1) % CAPACITY;
  }

  /** Undefined if the stream was never there, or is forgotten. */
  find(streamId: number): Closing | undefined {
    const index = this.#ids.indexOf(streamId);
    return index < 0 ? undefined : CLOSINGS[this.#closings[index] as number];
  }
}
