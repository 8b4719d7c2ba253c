/**
 * Between the reader of a body and the sink that somebody else has provided: remembers whether it is
 * full, throws away what is not wanted, and sees to it that after an end or an abort nothing comes.
 */
import type { PieceSink } from './body-reader.ts';
import { inertSink } from './body-writer.ts';
import type { BodySink } from './exchange.ts';
import type { FieldList } from './fields.ts';

export interface InflowOwner {
  /** The sink was full and has room again. */
  inflowHasRoom(): void;
  /** The body is whole; the sink knows it already. */
  inflowEnded(): void;
  /** More was thrown away than `discardByteCountMax`. */
  inflowOverflowed(): void;
}

export class Inflow implements PieceSink {
  /** Whether the sink asked to stop. */
  isFull = false;
  isDiscarding = false;
  readonly #owner: InflowOwner;
  readonly #discardByteCountMax: number;
  #sink: BodySink | undefined = undefined;
  #discardedByteCount = 0;

  constructor(owner: InflowOwner, discardByteCountMax: number) {
    this.#owner = owner;
    this.#discardByteCountMax = discardByteCountMax;
  }

  /** Whether somebody takes what comes, if only to throw it away. */
  get isTaken(): boolean {
    return this.#sink !== undefined;
  }

  /** What comes goes to `sink` from now on. */
  attach(sink: BodySink): void {
    this.clear();
    this.#sink = sink;
    sink.onDrain = this.#hasRoom;
  }

  /** What comes is counted and forgotten. */
  discard(): void {
    this.clear();
    this.#sink = inertSink;
    this.isDiscarding = true;
  }

  write(chunk: Uint8Array): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    if (!this.isDiscarding) {
      // The sink may have been replaced, or told of an end, by what it did with the piece.
      if (!sink.write(chunk) && this.#sink === sink) this.isFull = true;
      return;
    }
    this.#discardedByteCount += chunk.length;
    if (this.#discardedByteCount > this.#discardByteCountMax) {
      this.clear();
      this.#owner.inflowOverflowed();
    }
  }

  end(trailers?: FieldList): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    const wasFull = this.isFull;
    this.clear();
    if (wasFull) this.#owner.inflowHasRoom();
    sink.end(trailers);
    this.#owner.inflowEnded();
  }

  /** The sink, if there is one that was not told of an end, learns that none will come. */
  abort(cause: string): void {
    const sink = this.#sink;
    this.clear();
    sink?.abort(cause);
  }

  /** Gives the sink away, to be told of the end by the caller. */
  release(): BodySink | undefined {
    const sink = this.#sink;
    this.clear();
    return sink;
  }

  /** Forgets the sink without a word. */
  clear(): void {
    if (this.#sink !== undefined) this.#sink.onDrain = undefined;
    this.#sink = undefined;
    this.isFull = false;
    this.isDiscarding = false;
    this.#discardedByteCount = 0;
  }

  readonly #hasRoom = (): void => {
    this.isFull = false;
    this.#owner.inflowHasRoom();
  };
}
