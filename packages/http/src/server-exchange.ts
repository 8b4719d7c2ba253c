/** One request at a server and its reply, as the handler sees it. Does the writing; the connection reads. */
import { assert } from '@leno/std';
import { type BodyFraming, BodyWriter, inertSink, TunnelSink } from './body-writer.ts';
import type { BodySink, Peer, ResponseHead, ServerExchange } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { framingLine, statusLine } from './head-writer.ts';
import type { ParsedRequest } from './request-parser.ts';

import type { TcpSocket } from './tcp/tcp-socket.ts';
import { ACCEPT_FIELD, KEY_FIELD, WEB_SOCKET, webSocketAccept } from './web-socket.ts';

import type { Wire } from './wire.ts';

/** What an exchange asks of its connection. */
export interface ExchangePort {
  readonly wire: Wire;
  readonly peer: Peer;
  readonly fixedAuthority: string | undefined;
  /** Whether the connection ends with this reply. */
  readonly closesAfterReply: boolean;
  closeAfterReply(): void;
  attachBody(sink: BodySink): void;
  discardBody(): void;
  replyWritten(): void;
  replyBroken(framing: BodyFraming): void;
  becomeTunnel(fromClient: BodySink, toClient: TunnelSink): void;
  fixAuthority(authority: string): void;
  handOver(): TcpSocket;
}

export class Exchange implements ServerExchange {
  readonly head: ParsedRequest;
  readonly peer: Peer;
  readonly startedAtMs: number;
  readonly fixedAuthority: string | undefined;
  onClose: ((cause: 'client-gone' | 'bad-request' | 'client-timeout') => void) | undefined =
    undefined;
  onDone: (() => void) | undefined = undefined;
  /** Takes the reply; undefined before `respond` and for tunnels. */
  writer: BodyWriter | undefined = undefined;
  responded = false;
  readonly #port: ExchangePort;
  #continued = false;
  #live = true;

  constructor(port: ExchangePort, head: ParsedRequest, startedAtMs: number) {
    this.#port = port;
    this.head = head;
    this.peer = port.peer;
    this.startedAtMs = startedAtMs;
    this.fixedAuthority = port.fixedAuthority;
  }

  readBody(sink: BodySink): void {
    if (!this.#live) return;
    // The client waits for this; a second `readBody` only changes the sink.
    if (this.head.expectsContinue && !this.responded) this.#sendContinue();
    this.#port.attachBody(sink);
  }

  discardBody(): void {
    if (this.#live) this.#port.discardBody();
  }

  interim(status: number, fields: FieldList): void {
    assert(status >= 100 && status < 200 && status !== 101, 'an interim status is 1xx, not 101');
    if (!this.#live || this.responded || this.head.minorVersion === 0) return;
    if (status === 100) this.#continued = true;
    this.#port.wire.writeText(`${statusLine(status)}${fields.toWire()}\r\n`);
  }

  respond(head: ResponseHead, body?: Uint8Array): BodySink {
    assert(!this.responded, 'respond is called once');
    assert(head.status >= 200 && head.status < 600, 'a final status is 200 to 599');
    if (!this.#live) return inertSink;
    this.responded = true;
    // Whether its body follows is the client's choice now; nobody can tell where the next head is.
    const isDoubtful = this.head.expectsContinue && !this.#continued;
    // Nor whether the octets behind a refused CONNECT were meant for the tunnel.
    const isLast = isDoubtful || this.head.method === 'CONNECT' || head.close === true;
    if (isLast) this.#port.closeAfterReply();
    const said = body === undefined ? head : { ...head, contentLength: body.length };
    const framing = this.#framingOf(said);
    if (framing === 'close') this.#port.closeAfterReply();
    const connection = this.#port.closesAfterReply ? 'connection: close\r\n' : '';
    const { wire } = this.#port;
    wire.writeText(
      `${statusLine(said.status)}${said.fields.toWire()}${framingLine(said, framing)}${connection}\r\n`,
    );
    const writer = new BodyWriter(wire, this, {
      framing,
      length: said.contentLength ?? 0,
      takesTrailers: this.head.takesTrailers,
    });
    this.writer = writer;
    if (body === undefined) return writer;
    writer.write(body);
    writer.end();
    return inertSink;
  }

  abort(_cause: string): void {
    // What was written of the reply goes out, so that the client sees an answer that does not end.
    if (this.#live) this.#port.replyBroken(this.writer?.framing ?? 'close');
  }

  tunnel(fields: FieldList | undefined, sink: BodySink): BodySink {
    const { method, upgrade } = this.head;
    assert(!this.responded, 'a tunnel begins instead of a reply');
    assert(method === 'CONNECT' || upgrade !== undefined, 'CONNECT or Upgrade was asked for');
    if (!this.#live) return inertSink;
    this.responded = true;
    const lines = `${fields?.toWire() ?? ''}${this.#proofFor(fields)}`;
    const { wire } = this.#port;
    if (method === 'CONNECT') wire.writeText(`${statusLine(200)}${lines}\r\n`);
    else
      wire.writeText(
        `${statusLine(101)}${lines}connection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`,
      );
    const toClient = new TunnelSink(wire);
    this.#port.becomeTunnel(sink, toClient);
    return toClient;
  }

  acceptConnect(authority: string): void {
    assert(this.head.method === 'CONNECT' && !this.responded, 'a CONNECT is accepted once');
    if (!this.#live) return;
    this.responded = true;
    this.#port.wire.writeText(`${statusLine(200)}\r\n`);
    this.#port.fixAuthority(authority);
    this.#port.replyWritten();
  }

  takeSocket(): TcpSocket | undefined {
    assert(this.head.method === 'CONNECT' && !this.responded, 'a CONNECT is accepted once');
    if (!this.#live) return undefined;
    this.responded = true;
    this.#port.wire.writeText(`${statusLine(200)}\r\n`);
    return this.#port.handOver();
  }

  /** For the body writer. */
  bodyWritten(): void {
    this.#port.replyWritten();
  }

  bodyAborted(_cause: string, framing: BodyFraming): void {
    if (this.#live) this.#port.replyBroken(framing);
  }

  bodyBroken(_cause: string, framing: BodyFraming): void {
    if (this.#live) this.#port.replyBroken(framing);
  }

  /** The connection has nothing more to do with it. */
  detach(): void {
    this.#live = false;
    this.writer?.detach();
  }

  #sendContinue(): void {
    if (this.#continued) return;
    this.#continued = true;
    this.#port.wire.writeText(`${statusLine(100)}\r\n`);
  }

  /** The answer to the key of a WebSocket, if whoever is behind us speaks HTTP/2 and has given none. */
  #proofFor(fields: FieldList | undefined): string {
    if (this.head.upgrade !== WEB_SOCKET || fields?.has(ACCEPT_FIELD) === true) return '';
    const key = this.head.fields.get(KEY_FIELD) ?? '';
    return `${ACCEPT_FIELD}: ${webSocketAccept(key)}\r\n`;
  }

  #framingOf(head: ResponseHead): BodyFraming {
    if (this.head.method === 'HEAD' || head.status === 204 || head.status === 304) return 'swallow';
    if (head.contentLength !== undefined) return 'length';
    return this.head.minorVersion === 1 ? 'chunked' : 'close';
  }
}
