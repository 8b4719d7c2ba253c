/** The one sink that puts a body on a wire, in whatever framing its head has announced. */
import type { BodySink } from './exchange.ts';
import type { FieldList } from './fields.ts';
import type { Wire } from './wire.ts';

/** How a body goes out. `swallow`: its head has said that there is none (HEAD, 204, 304). */
export type BodyFraming = 'length' | 'chunked' | 'close' | 'swallow';

/** Who has written the head. */
export interface BodyWriterOwner {
  /** The last octet was queued. */
  bodyWritten(): void;
  /** Its source has said `abort`: the connection must be broken off. */
  bodyAborted(cause: string, framing: BodyFraming): void;
  /** Its source has said another length than it sent: likewise. */
  bodyBroken(cause: string, framing: BodyFraming): void;
}

export class BodyWriter implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  /** Octets of the body so far. */
  byteCount = 0;
  readonly framing: BodyFraming;
  readonly #wire: Wire;
  readonly #owner: BodyWriterOwner;
  readonly #length: number;
  readonly #takesTrailers: boolean;
  #open = true;

  /** `length` is needed for `length` only. Without `takesTrailers` they are dropped. */
  constructor(
    wire: Wire,
    owner: BodyWriterOwner,
    body: { framing: BodyFraming; length: number; takesTrailers: boolean },
  ) {
    this.#wire = wire;
    this.#owner = owner;
    this.framing = body.framing;
    this.#length = body.length;
    this.#takesTrailers = body.takesTrailers;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  write(chunk: Uint8Array): boolean {
    if (!this.#open || chunk.length === 0 || this.framing === 'swallow') return true;
    this.byteCount += chunk.length;
    if (this.framing === 'chunked') {
      this.#wire.writeText(`${chunk.length.toString(16)}\r\n`);
      this.#wire.writeBytes(chunk);
      this.#wire.writeText('\r\n');
    } else if (this.framing === 'length' && this.byteCount > this.#length) {
      this.#break('the body is longer than was said');
      return true;
    } else {
      this.#wire.writeBytes(chunk);
    }
    return !this.#wire.isFull;
  }

  end(trailers?: FieldList): void {
    if (!this.#open) return;
    if (this.framing === 'length' && this.byteCount < this.#length) {
      this.#break('the body is shorter than was said');
      return;
    }
    this.#open = false;
    if (this.framing === 'chunked') {
      const lines = trailers !== undefined && this.#takesTrailers ? trailers.toWire() : '';
      this.#wire.writeText(`0\r\n${lines}\r\n`);
    }
    this.#owner.bodyWritten();
  }

  abort(cause: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.bodyAborted(cause, this.framing);
  }

  /** The connection is no longer ours: whatever is still called does nothing. */
  detach(): void {
    this.#open = false;
    this.onDrain = undefined;
  }

  #break(cause: string): void {
    this.#open = false;
    this.#owner.bodyBroken(cause, this.framing);
  }
}

/** Takes everything and does nothing: for whoever is too late. */
export const inertSink: BodySink = Object.seal({
  get onDrain() {
    return undefined;
  },
  set onDrain(_listener: (() => void) | undefined) {
    // Nobody waits here.
  },
  write: () => true,
  end: () => undefined,
  abort: () => undefined,
});

/** A sink that gives its octets to a wire as they are: either side of a tunnel. */
export class TunnelSink implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #wire: Wire;
  #open = true;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  write(chunk: Uint8Array): boolean {
    if (!this.#open) return true;
    this.#wire.writeBytes(chunk);
    return !this.#wire.isFull;
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#wire.end();
  }

  abort(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#wire.reset();
  }
}
