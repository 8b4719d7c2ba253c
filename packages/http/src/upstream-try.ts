/** One request at a client, from `request` on: it may wait for a connection, with its body held back. */
import { inertSink } from './body-writer.ts';
import type { BodySink, ClientTry, OutgoingRequest, TryEvents, TryFailure } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { atTurnEnd, type TurnTask } from './turn.ts';

/** What a try asks of whoever has it: the pool while it waits, then a connection. */
export interface TryHolder {
  cancelled(attempt: UpstreamTry): void;
}

/** Takes the body of a try, on whatever its connection speaks. */
export interface TryBody extends BodySink {
  /** Octets of the body so far. */
  readonly byteCount: number;
  /** Whatever is still called does nothing. */
  detach(): void;
}

export class UpstreamTry implements ClientTry, TurnTask {
  readonly outgoing: OutgoingRequest;
  readonly events: TryEvents;
  readonly body: BodySink;
  /** Whether its connection had served before. */
  reused = false;
  /** Whether bytes of it may have left. */
  isSent = false;
  #holder: TryHolder;
  #isOver = false;
  #failure: TryFailure | undefined = undefined;

  constructor(holder: TryHolder, outgoing: OutgoingRequest, events: TryEvents) {
    this.#holder = holder;
    this.outgoing = outgoing;
    this.events = events;
    this.body = outgoing.contentLength === 0 ? inertSink : new OutgoingBody(() => this.cancel());
  }

  /** Whether nobody wants to hear of it any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Octets of the body that were written. */
  get bodyByteCount(): number {
    return this.body instanceof OutgoingBody ? this.body.byteCount : 0;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.finish();
    this.#holder.cancelled(this);
  }

  /** Another pool has it now. */
  hold(holder: TryHolder): void {
    this.#holder = holder;
  }

  /** A connection has taken it, which calls `turnEnded` before it sends; `writer` takes its body. */
  attach(holder: TryHolder, writer: TryBody, reused: boolean): void {
    this.#holder = holder;
    this.reused = reused;
    if (this.body instanceof OutgoingBody) this.body.attach(writer);
  }

  turnEnded(): void {
    if (this.#failure !== undefined) {
      this.fail(this.#failure);
    } else if (!this.#isOver) {
      this.isSent = true;
      this.events.onSent(this.reused);
    }
  }

  /** Reports a failure after `request` has returned. */
  failLater(failure: TryFailure): void {
    this.#failure = failure;
    atTurnEnd(this);
  }

  fail(failure: TryFailure): void {
    if (this.#isOver) return;
    this.finish();
    this.events.onFailure(failure);
  }

  /** Nothing more will happen; what is still written to the body goes nowhere. */
  finish(): void {
    this.#isOver = true;
    if (this.body instanceof OutgoingBody) this.body.detach();
  }
}

/** The body of a request: held until there is a connection, then written on. */
class OutgoingBody implements BodySink {
  #writer: TryBody | undefined = undefined;
  #onDrain: (() => void) | undefined = undefined;
  #held: Uint8Array[] = []; // At most what was read when the first `write` gave false.
  #end: { readonly trailers: FieldList | undefined } | undefined = undefined;
  #isOver = false;
  readonly #cancel: () => void;

  /** `cancel` gives up the try whose body this is. */
  constructor(cancel: () => void) {
    this.#cancel = cancel;
  }

  get byteCount(): number {
    return this.#writer?.byteCount ?? 0;
  }

  get onDrain(): (() => void) | undefined {
    return this.#onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#onDrain = listener;
    if (this.#writer !== undefined) this.#writer.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#isOver) return true;
    if (this.#writer !== undefined) return this.#writer.write(chunk);
    this.#held.push(Uint8Array.prototype.slice.call(chunk));
    return false;
  }

  end(trailers?: FieldList): void {
    if (this.#isOver) return;
    if (this.#writer === undefined) this.#end = { trailers };
    else this.#writer.end(trailers);
  }

  abort(cause: string): void {
    if (this.#isOver) return;
    if (this.#writer === undefined) this.#cancel();
    else this.#writer.abort(cause);
  }

  attach(writer: TryBody): void {
    this.#writer = writer;
    writer.onDrain = this.#onDrain;
    let hasRoom = true;
    for (const piece of this.#held) hasRoom = writer.write(piece);
    const wasWaiting = this.#held.length > 0;
    this.#held = [];
    if (this.#end !== undefined) writer.end(this.#end.trailers);
    else if (wasWaiting && hasRoom) this.#onDrain?.();
  }

  detach(): void {
    this.#isOver = true;
    this.#held = [];
    this.#onDrain = undefined;
    this.#writer?.detach();
  }
}
