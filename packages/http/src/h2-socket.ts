/**
 * A stream of HTTP/2 that carries octets (RFC 9113 §8.5), as whoever has sockets takes one: HTTP/1.1
 * inside a CONNECT, or the pump of TCP. Half-close is END_STREAM, a reset RST_STREAM with CONNECT_ERROR;
 * what its reader leaves stays in the window of the stream, which stops the sender and nobody else.
 */
import { Duplex } from 'node:stream';
import type { BodySink } from './exchange.ts';
import { CONNECT_ERROR, NO_ERROR } from './h2/error-code.ts';
import type { H2Stream } from './h2/h2-stream.ts';
import type { WireSocket } from './wire.ts';

export class H2Socket extends Duplex implements WireSocket {
  /** Of no address of its own: what asks for it would reset a socket of TCP. */
  readonly remotePort = undefined;
  readonly #stream: H2Stream;
  readonly #input: BodySink;
  #takenByteCount = 0;

  /** Takes the stream over from its message; its head has been answered. */
  constructor(stream: H2Stream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#input = {
      onDrain: undefined,
      write: (chunk) => this.push(Buffer.from(chunk)),
      end: () => void this.push(null),
      abort: () => void this.destroy(),
    };
    stream.carries = 'socket';
    stream.readBody(this.#input);
  }

  /** Octets that were written, those included that wait. */
  get bytesWritten(): number {
    return this.#takenByteCount + this.writableLength;
  }

  resetAndDestroy(): void {
    this.destroy();
  }

  override _read(): void {
    this.#input.onDrain?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, taken: () => void): void {
    const stream = this.#stream;
    const done = (): void => {
      stream.onDrain = undefined;
      this.#takenByteCount += chunk.length;
      taken();
    };
    if (stream.write(chunk)) done();
    else stream.onDrain = done;
  }

  override _final(taken: () => void): void {
    this.#stream.end();
    taken();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // After our end only the other side's is missing, and nobody waits for that.
    const errorCode = this.#stream.localEnded ? NO_ERROR : CONNECT_ERROR;
    this.#stream.reset(errorCode, 'the tunnel was closed');
    done(error);
  }
}
