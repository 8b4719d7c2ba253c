/** The two ends of calls of gRPC over cleartext HTTP/2, frame by frame: what a library would hide. */
import { once } from 'node:events';
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

/** A server of gRPC, and what it has seen. */
export interface GrpcApplication {
  readonly port: number;
  /** Heads of the calls, in the order of their arrival. */
  readonly seen: readonly IncomingHttpHeaders[];
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  /** Code of the reset of each call that was reset, by path. */
  readonly resets: ReadonlyMap<string, number>;
  close(): void;
}

/** One length-prefixed message. */
export function message(text: string): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([prefix, Buffer.from(text)]);
}

const head = { ':status': 200, 'content-type': 'application/grpc+proto' };

/** Ends a call without a message, as `Trailers-Only`. */
export function trailersOnly(stream: ServerHttp2Stream, fields: OutgoingHttpHeaders): void {
  stream.respond({ ...head, ...fields }, { endStream: true });
}

/** Answers with these messages and trailers. */
export function reply(
  stream: ServerHttp2Stream,
  trailers: OutgoingHttpHeaders,
  ...messages: readonly string[]
): void {
  begin(stream, ...messages);
  finish(stream, trailers);
}

/** Begins to answer. */
export function begin(stream: ServerHttp2Stream, ...messages: readonly string[]): void {
  stream.respond(head, { waitForTrailers: true });
  for (const each of messages) stream.write(message(each));
}

/** Ends an answer that has begun. */
export function finish(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end();
}

/** Serves each call by `serve`; the default answers `OK` when the request is whole. */
export async function openGrpcApplication(
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void = succeed,
  options: { readonly port?: number; readonly streamCountMax?: number } = {},
): Promise<GrpcApplication> {
  const seen: IncomingHttpHeaders[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const resets = new Map<string, number>();
  const { streamCountMax } = options;
  const server = createServer({
    settings: streamCountMax === undefined ? {} : { maxConcurrentStreams: streamCountMax },
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    seen.push(headers);
    stream.on('error', () => undefined);
    stream.on('close', () => resets.set(String(headers[':path']), stream.rstCode));
    serve(stream, headers);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    sessions,
    resets,
    close: () => {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

function succeed(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.on('end', () => reply(stream, { 'grpc-status': '0' }, 'fine'));
}

/** A call, as its client sees it. */
export interface GrpcCall {
  readonly stream: ClientHttp2Stream;
  /** Octets of the body so far. */
  readonly body: () => string;
  readonly headers: () => IncomingHttpHeaders;
  /** Once it is over. Never rejects. */
  readonly over: Promise<GrpcEnd>;
  close(): void;
}

/** How a call has ended. */
export interface GrpcEnd {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  /** `grpc-status`, wherever it was; undefined if it was nowhere. */
  readonly code: string | undefined;
  readonly body: string;
  readonly rstCode: number;
}

/** What is asked. */
export interface GrpcQuestion {
  readonly host?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Whether more of the request is to come. */
  readonly isOpen?: boolean;
  readonly messages?: readonly string[];
}

/** Calls the listener on `port`, on a connection of its own. */
export function call(port: number, question: GrpcQuestion = {}): GrpcCall {
  const { host = 'shop', path = '/pay.Till/Pay', messages = ['ask'] } = question;
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      ':authority': host,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      ...question.headers,
    },
    { endStream: false },
  );
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let body = '';
  stream.on('response', (got) => (headers = got));
  stream.on('trailers', (got: IncomingHttpHeaders) => {
    // Without the symbol that node:http2 adds.
    trailers = Object.fromEntries(Object.entries(got));
  });
  stream.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
  stream.on('error', () => undefined);
  for (const each of messages) stream.write(message(each));
  if (question.isOpen !== true) stream.end();
  const closed = new Promise((resolve) => stream.on('close', resolve));
  const over = closed.then(() => {
    session.destroy();
    const code = [trailers['grpc-status'], headers['grpc-status']].find((it) => it !== undefined);
    return { headers, trailers, code: code?.toString(), body, rstCode: stream.rstCode };
  });
  return {
    stream,
    body: () => body,
    headers: () => headers,
    over,
    close: () => session.destroy(),
  };
}

/** Calls and waits for the end. */
export function callAndWait(port: number, question: GrpcQuestion = {}): Promise<GrpcEnd> {
  return call(port, question).over;
}
