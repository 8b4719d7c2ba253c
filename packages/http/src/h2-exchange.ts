/** One request over HTTP/2, as the handler of a server sees every request. */
import { assert } from '@leno/std';
import { inertSink } from './body-writer.ts';
import type { BodySink, Peer, RequestHead, ResponseHead, ServerExchange } from './exchange.ts';
import { FieldList } from './fields.ts';
import { CANCEL, INTERNAL_ERROR, NO_ERROR } from './h2/error-code.ts';
import type { H2Stream, StreamBreak, StreamEvents } from './h2/h2-stream.ts';
import type { H2RequestHead } from './h2/request-section.ts';
import { hasNoBody } from './h2/response-section.ts';
import { H2Socket } from './h2-socket.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';
import { ACCEPT_FIELD } from './web-socket.ts';
import type { WireSocket } from './wire.ts';

/** What an exchange asks of its connection. */
export interface H2ExchangePort {
  readonly peer: Peer;
  readonly discardByteCountMax: number;
  /** Whether a tunnel may become a connection of its own. */
  takesInner(): boolean;
  /** HTTP/1.1 is spoken inside, with whoever is `authority`. */
  openInner(socket: WireSocket, authority: string): void;
  /** Somebody else's, and no HTTP. */
  giveInner(socket: WireSocket): TcpSocket;
  /** Its stream is over. */
  exchangeEnded(): void;
}

const noFields = new FieldList();

export class H2Exchange implements ServerExchange, StreamEvents {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly startedAtMs: number;
  onClose: ((cause: 'client-gone' | 'bad-request' | 'client-timeout') => void) | undefined =
    undefined;
  onDone: (() => void) | undefined = undefined;
  responded = false;
  readonly #port: H2ExchangePort;
  readonly #stream: H2Stream;
  readonly #protocol: string | undefined;
  #continued = false;
  #isTunnel = false;
  #isOver = false;
  #isAborted = false; // By the handler, who need not be told.
  #socket: H2Socket | undefined = undefined; // The stream, once it is none of HTTP.

  constructor(port: H2ExchangePort, stream: H2Stream, head: H2RequestHead) {
    this.#port = port;
    this.#stream = stream;
    this.#protocol = head.protocol;
    this.head = head;
    this.peer = port.peer;
    this.startedAtMs = stream.openedAtMs;
    stream.events = this;
  }

  readBody(sink: BodySink): void {
    if (this.#isOver) return;
    if (this.head.expectsContinue && !this.responded && !this.#continued) {
      this.interim(100, noFields);
    }
    this.#stream.readBody(sink);
  }

  discardBody(): void {
    if (!this.#isOver) this.#stream.readBody(new Drain(this.#port.discardByteCountMax));
  }

  interim(status: number, fields: FieldList): void {
    assert(status >= 100 && status < 200 && status !== 101, 'an interim status is 1xx, not 101');
    if (this.#isOver || this.responded) return;
    if (status === 100) this.#continued = true;
    this.#stream.interim(status, fields);
  }

  respond(head: ResponseHead, body?: Uint8Array): BodySink {
    assert(!this.responded, 'respond is called once');
    assert(head.status >= 200 && head.status < 600, 'a final status is 200 to 599');
    if (this.#isOver) return inertSink;
    this.responded = true;
    if (this.#protocol !== undefined && head.status < 300) return this.#refuseProtocol();
    const said = body === undefined ? head : { ...head, contentLength: body.length };
    this.#stream.respond(said, !hasNoBody(this.head.method, head.status));
    if (body === undefined) return this.#stream;
    this.#stream.write(body);
    this.#stream.end();
    return inertSink;
  }

  abort(cause: string): void {
    this.#isAborted = true;
    this.#stream.reset(INTERNAL_ERROR, cause);
  }

  tunnel(fields: FieldList | undefined, sink: BodySink): BodySink {
    const isAsked = this.head.method === 'CONNECT' || this.#protocol !== undefined;
    assert(!this.responded, 'a tunnel begins instead of a reply');
    assert(isAsked, 'CONNECT or a protocol was asked for');
    if (this.#isOver) return inertSink;
    this.responded = true;
    this.#isTunnel = true;
    const kept = fields?.clone() ?? noFields;
    // RFC 8441 §5: what HTTP/1.1 needs to be sure of an upgrade is of no use here.
    if (fields !== undefined) kept.remove(ACCEPT_FIELD);
    this.#stream.respond({ status: 200, fields: kept, contentLength: undefined }, true);
    this.#stream.readBody(sink);
    return this.#stream;
  }

  acceptConnect(authority: string): void {
    const socket = this.#leaveHttp();
    if (socket !== undefined) this.#port.openInner(socket, authority);
  }

  takeSocket(): TcpSocket | undefined {
    const socket = this.#leaveHttp();
    return socket === undefined ? undefined : this.#port.giveInner(socket);
  }

  #leaveHttp(): H2Socket | undefined {
    assert(this.head.method === 'CONNECT' && !this.responded, 'a CONNECT is accepted once');
    if (this.#isOver) return undefined;
    if (!this.#port.takesInner()) {
      this.respond({ status: 503, fields: noFields, contentLength: 0 }).end();
      return undefined;
    }
    this.responded = true;
    this.#isTunnel = true;
    this.#stream.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
    this.#socket = new H2Socket(this.#stream);
    // As over HTTP/1.1: the request is over with its reply, what comes now are others.
    this.#end();
    return this.#socket;
  }

  /**
   * Nobody has changed protocols, but a success would say so here (RFC 8441 §5): in HTTP/1.1 an upgrade
   * may be ignored and the request answered (RFC 9110 §7.8), for which HTTP/2 has no word.
   */
  #refuseProtocol(): BodySink {
    this.#stream.respond({ status: 501, fields: noFields, contentLength: 0 }, true);
    this.#stream.end();
    return inertSink;
  }

  onInterim(): void {
    // For clients.
  }

  onHead(): void {
    // For clients.
  }

  onReceived(): void {
    if (this.#isTunnel && this.#stream.localEnded) this.#end();
  }

  onSent(): void {
    this.onDone?.();
    // RFC 9113 §8.1: what is left of the request is of no interest.
    if (this.#stream.remoteEnded) this.#end();
    else if (!this.#isTunnel) {
      this.#isAborted = true;
      this.#stream.reset(NO_ERROR, 'the reply was finished before the request');
    }
  }

  onBroken(why: StreamBreak): void {
    const { onClose } = this;
    // Its sink is not told if the other side had ended already.
    this.#socket?.destroy();
    const wasDone = this.#isOver;
    this.#end();
    if (wasDone || this.#isAborted) return;
    const isOurs = why.by === 'self';
    onClose?.(
      isOurs ? (why.errorCode === CANCEL ? 'client-timeout' : 'bad-request') : 'client-gone',
    );
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#port.exchangeEnded();
  }
}

/** Takes a body that nobody wants, up to a bound; then it stops taking, and the stream stalls. */
class Drain implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  #left: number;

  constructor(byteCountMax: number) {
    this.#left = byteCountMax;
  }

  write(chunk: Uint8Array): boolean {
    this.#left -= chunk.length;
    return this.#left > 0;
  }

  end(): void {
    // Nobody waits for it.
  }

  abort(): void {
    // Nobody waits for it.
  }
}
