/**
 * An application for real clients: plain `node:http`, with a WebSocket beside it, in the process of the
 * test, which so sees at once what becomes of each request. What it does is said by the path.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { WebSocketServer } from 'ws';

/** A prime, so that what is lost or sent twice in pieces of any usual size shows. */
const BLOCK_BYTES = 65_521;
const MESSAGE_BYTES_MAX = 4 * 1_048_576;

const block = Buffer.allocUnsafe(BLOCK_BYTES);
for (let at = 0, state = 1; at < BLOCK_BYTES; at += 1) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  block[at] = state >>> 24;
}

/** The octets from `from` to `until` of an endless text that is the same every time. */
export function* octets(from: number, until: number): Generator<Buffer> {
  for (let at = from; at < until; ) {
    const start = at % BLOCK_BYTES;
    const piece = block.subarray(start, Math.min(BLOCK_BYTES, start + until - at));
    at += piece.length;
    yield piece;
  }
}

/** SHA-256 of the first `count` octets. */
export function hashOfOctets(count: number): string {
  const hash = createHash('sha256');
  for (const piece of octets(0, count)) hash.update(piece);
  return hash.digest('hex');
}

/** What has become of the requests for one path. */
export interface Visit {
  /** Requests that came. */
  came: number;
  /** Requests whose connection or stream ended before the reply was whole. */
  gone: number;
  /** When that was last, on the clock of `performance`. */
  goneAtMs: number;
  /** Octets of bodies that were read. */
  byteCount: number;
  /** Octets of bodies that the socket has taken. */
  sentByteCount: number;
  /** Connections of requests under way. */
  readonly sockets: Set<Socket>;
  /** Ends the standstill of one that is stuck. */
  readOn: () => void;
}

export class Depot {
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  readonly #visits = new Map<string, Visit>();
  readonly #sockets = new Set<Socket>();
  /** Close codes and reasons of WebSockets, as they came. */
  readonly goodbyes: string[] = [];
  /** Requests of any path. */
  requestCount = 0;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.keepAliveTimeout = 120_000;
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => undefined);
      this.#webSockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('message', (message, isBinary) => ws.send(message, { binary: isBinary }));
        ws.on('error', () => undefined);
        ws.on('close', (code, reason) => this.goodbyes.push(`${code} ${String(reason)}`));
      });
    });
  }

  get webSocketCount(): number {
    return this.#webSockets.clients.size;
  }

  get socketCount(): number {
    return this.#sockets.size;
  }

  /** Listens on a free port of loopback; gives it. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  close(): void {
    this.#webSockets.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  /** Resets the connections of the requests for `path`, as the end of a process does. */
  breakOff(path: string): void {
    for (const socket of this.visit(path).sockets) socket.resetAndDestroy();
  }

  /** What became of the requests for `path`; a live view. */
  visit(path: string): Visit {
    const known = this.#visits.get(path);
    if (known !== undefined) return known;
    const visit: Visit = {
      ...{ came: 0, gone: 0, goneAtMs: 0, byteCount: 0, sentByteCount: 0 },
      sockets: new Set(),
      readOn: () => undefined,
    };
    this.#visits.set(path, visit);
    return visit;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/' } = request;
    const visit = this.visit(url);
    visit.came += 1;
    this.requestCount += 1;
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const { socket } = request;
    visit.sockets.add(socket);
    response.on('close', () => {
      visit.sockets.delete(socket);
      if (response.writableFinished) return;
      visit.gone += 1;
      visit.goneAtMs = performance.now();
    });
    const [, word, argument = ''] = url.split('/');
    if (word === 'octets') sendOctets(request, response, { total: Number(argument), visit });
    else if (word === 'hash') hashBody(request, response, visit);
    else if (word === 'echo') pipeline(request, response, () => undefined);
    else if (word === 'hang') request.on('data', (chunk: Buffer) => count(visit, chunk));
    else if (word === 'stuck') {
      response.flushHeaders();
      visit.readOn = () => request.resume();
    } else if (word === 'drip') response.write('drip');
    else if (word === 'early') response.writeHead(403).end('not here');
    else if (word === 'last') response.writeHead(403, { connection: 'close' }).end('not here');
    else if (word === 'torn') response.write('torn', () => request.socket.resetAndDestroy());
    else if (word === 'rude') request.socket.destroy();
    else if (word === 'trailers') sendTrailers(response);
    else tellRequest(request, response);
  }
}

function count(visit: Visit, chunk: Buffer): void {
  visit.byteCount += chunk.length;
}

/** All of it, or what `Range: bytes=FROM-LAST` asks for. */
function sendOctets(
  request: IncomingMessage,
  response: ServerResponse,
  { total, visit }: { total: number; visit: Visit },
): void {
  const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(from ?? 0);
  const end = last === undefined ? total : Number(last) + 1;
  response.setHeader('content-length', end - start);
  if (last !== undefined) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${last}/${total}`);
  }
  const pieces = octets(start, end);
  const more = (): void => {
    // By hand: a loop that is left ends the generator.
    for (let piece = pieces.next(); ; piece = pieces.next()) {
      if (piece.done === true) break;
      const { length } = piece.value;
      if (response.write(piece.value, () => void (visit.sentByteCount += length))) continue;
      response.once('drain', more);
      return;
    }
    response.end();
  };
  if (request.method === 'HEAD') response.end();
  else more();
}

function hashBody(request: IncomingMessage, response: ServerResponse, visit: Visit): void {
  const hash = createHash('sha256');
  let byteCount = 0;
  request.on('data', (chunk: Buffer) => {
    count(visit, chunk);
    byteCount += chunk.length;
    hash.update(chunk);
  });
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ byteCount, hash: hash.digest('hex') }));
  });
}

function sendTrailers(response: ServerResponse): void {
  response.writeHead(200, { trailer: 'x-sum' });
  response.write('body');
  response.addTrailers({ 'x-sum': '42' });
  response.end();
}

function tellRequest(request: IncomingMessage, response: ServerResponse): void {
  const { method, url, headers, httpVersion } = request;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, headers, httpVersion }));
}
