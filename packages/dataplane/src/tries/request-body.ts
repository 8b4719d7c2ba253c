/**
 * The body of a request between the client and however many tries need it. Up to `replayBytesMax` is kept, so
 * that a further try can send it again; what is longer is sent once and makes the call final.
 */
import type { BodySink, FieldList } from '@leno/http';
import { TRAILER_CLAIMS } from '../claims.ts';

/** Whose body it is. */
export interface RequestBodyOwner {
  /** The client has sent all of it. */
  bodyEnded(): void;
  /** The client's body will never be whole. */
  bodyBroken(cause: string): void;
}

export class RequestBody implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  /** Bytes that the client has sent. */
  byteCount = 0;
  readonly #replayBytesMax: number;
  readonly #owner: RequestBodyOwner;
  #kept: Uint8Array[] = [];
  #overflowed = false;
  #state: 'open' | 'ended' | 'broken' = 'open';
  #target: BodySink | undefined;
  /** Whether the target has asked to stop. */
  #isFull = false;
  #trailers: FieldList | undefined = undefined;

  constructor(replayBytesMax: number, owner: RequestBodyOwner) {
    this.#replayBytesMax = replayBytesMax;
    this.#owner = owner;
  }

  /** Whether another try could send everything that came so far. */
  get replayable(): boolean {
    return !this.#overflowed;
  }

  /** Whether it is the client that everybody waits for: its body is not whole, and there is room. */
  get awaitsClient(): boolean {
    return this.#state === 'open' && this.#target !== undefined && !this.#isFull;
  }

  /** Sends what is kept to `target`, and everything that follows. Replaces the target before. */
  attach(target: BodySink): void {
    this.#target = target;
    target.onDrain = () => {
      if (this.#target !== target) return;
      this.#isFull = false;
      this.onDrain?.();
    };
    this.#isFull = false;
    for (const piece of this.#kept) this.#isFull = !target.write(piece);
    if (this.#overflowed) this.#kept = [];
    if (this.#state === 'ended') target.end(this.#trailers);
    else if (this.#state === 'broken') target.abort('client-gone');
    else if (!this.#isFull) this.onDrain?.();
  }

  /** Lets go of the target; what comes is kept while it may be, then stops the client. */
  detach(): void {
    if (this.#target !== undefined) this.#target.onDrain = undefined;
    this.#target = undefined;
  }

  /** No further try will come: what was kept is forgotten, and bodies just flow. */
  giveUpReplay(): void {
    this.#overflowed = true;
    this.#kept = [];
  }

  write(chunk: Uint8Array): boolean {
    this.byteCount += chunk.length;
    this.#keep(chunk);
    if (this.#target === undefined) return false;
    const hasRoom = this.#target.write(chunk);
    this.#isFull = !hasRoom;
    return hasRoom;
  }

  /** No identity hides in trailers: what would claim one, or is the mesh's to say, is dropped. */
  end(trailers?: FieldList): void {
    this.#state = 'ended';
    if (trailers !== undefined) {
      for (const name of TRAILER_CLAIMS) trailers.remove(name);
      this.#trailers = trailers;
    }
    this.#target?.end(this.#trailers);
    this.#owner.bodyEnded();
  }

  abort(cause: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    // A half-sent body must never look whole upstream.
    this.#target?.abort(cause);
    this.#owner.bodyBroken(cause);
  }

  #keep(chunk: Uint8Array): void {
    if (this.#overflowed) return;
    if (this.byteCount > this.#replayBytesMax) {
      // Without a target the kept bytes are the only copy: they stay until a try has taken them.
      this.#overflowed = true;
      if (this.#target !== undefined) this.#kept = [];
      else this.#kept.push(Uint8Array.from(chunk));
      return;
    }
    this.#kept.push(Uint8Array.from(chunk));
  }
}
