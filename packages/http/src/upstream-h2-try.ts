/** One try on a stream of HTTP/2: between the stream and whoever asked for it. */
import type { ResponseHead, TryFailure } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { CANCEL, PROTOCOL_ERROR } from './h2/error-code.ts';
import type { H2Stream, StreamBreak, StreamEvents } from './h2/h2-stream.ts';
import { isRepeatable } from './repeatable.ts';
import type { TryBody, TryHolder, UpstreamTry } from './upstream-try.ts';
import { ACCEPT_FIELD } from './web-socket.ts';

/** What a try asks of its connection. */
export interface H2TryPort {
  /** Octets have come since the connection was at this count. */
  readonly receivedCount: number;
  /** Code of the error that has ended the wire, or ''. */
  readonly errorCode: string;
  readonly isSecure: boolean;
  /** Nothing has come from it since then, and somebody has given up. */
  staysSilent(sinceMs: number): void;
  /** The stream is over. */
  tryEnded(): void;
}

export class UpstreamH2Try implements StreamEvents, TryHolder, TryBody {
  stream: H2Stream | undefined = undefined;
  readonly #port: H2TryPort;
  readonly #attempt: UpstreamTry;
  readonly #receivedCount: number;
  #hasHead = false;
  #isTunnel = false;
  #isOver = false;

  constructor(port: H2TryPort, attempt: UpstreamTry) {
    this.#port = port;
    this.#attempt = attempt;
    this.#receivedCount = port.receivedCount;
  }

  get byteCount(): number {
    return this.stream?.byteCount ?? 0;
  }

  get onDrain(): (() => void) | undefined {
    return this.stream?.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    if (this.stream !== undefined) this.stream.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    return this.stream?.write(chunk) ?? true;
  }

  end(trailers?: FieldList): void {
    this.stream?.end(trailers);
  }

  /** Whoever sends the body has given up; the upstream must not take it for whole. */
  abort(): void {
    this.#attempt.cancel();
  }

  detach(): void {
    // A tunnel goes on by itself; a stream whose try is over is reset by `onReceived`.
  }

  cancelled(): void {
    const { stream } = this;
    if (stream === undefined) return;
    // Whoever gives up must not take that for a failure of the upstream.
    stream.forsake();
    const isSilent = !this.#hasHead && this.#port.receivedCount === this.#receivedCount;
    stream.reset(CANCEL, 'the try was given up');
    if (isSilent) this.#port.staysSilent(stream.openedAtMs);
  }

  onInterim(status: number, fields: FieldList): void {
    this.#attempt.events.onInterim(status, fields);
  }

  onHead(head: ResponseHead): void {
    const { stream } = this;
    const attempt = this.#attempt;
    if (stream === undefined) return;
    this.#hasHead = true;
    if (stream.method === 'CONNECT' && head.status < 300) {
      this.#isTunnel = true;
      // RFC 8441 §5: over HTTP/2 there is no key; whoever has one is given the proof further on.
      head.fields.remove(ACCEPT_FIELD);
      attempt.finish();
      stream.readBody(attempt.events.onTunnel(head, stream));
      return;
    }
    const sink = attempt.events.onHead(head);
    if (!attempt.isOver) stream.readBody(sink);
  }

  onSent(): void {
    this.#endIfDone();
  }

  onReceived(): void {
    if (this.#isTunnel) {
      this.#endIfDone();
      return;
    }
    this.#attempt.finish();
    // RFC 9113 §8.1: a whole reply to half a request; the rest is of no interest to anybody.
    if (this.stream?.localEnded === false) this.stream.reset(CANCEL, 'the reply was early');
    this.#end();
  }

  onBroken(why: StreamBreak): void {
    // After the head the sink is all that is told.
    if (this.#hasHead) this.#attempt.finish();
    else this.#attempt.fail(this.#failureOf(why));
    this.#end();
  }

  #endIfDone(): void {
    if (this.stream?.localEnded === true && this.stream.remoteEnded) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.tryEnded();
  }

  #failureOf(why: StreamBreak): TryFailure {
    const { by, detail } = why;
    if (by === 'self' && why.errorCode === PROTOCOL_ERROR) {
      return { reason: 'upstream-protocol', unprocessed: false, detail };
    }
    const attempt = this.#attempt;
    if (!attempt.isSent) return { reason: 'connect-failed', unprocessed: true, detail };
    if (why.unprocessed) return { reason: 'upstream-reset', unprocessed: true, detail };
    const isSilent = by === 'connection' && this.#port.receivedCount === this.#receivedCount;
    // In TLS 1.3 the server judges our certificate after we have begun to send; an alert proves that.
    if (isSilent && this.#port.isSecure && this.#port.errorCode.startsWith('ERR_SSL_')) {
      return { reason: 'connect-failed', unprocessed: true, detail };
    }
    // The upstream closed an idle connection while our request was on its way.
    const unprocessed = isSilent && attempt.reused && isRepeatable(attempt);
    return { reason: 'upstream-reset', unprocessed, detail };
  }
}
