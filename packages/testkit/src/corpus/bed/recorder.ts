/**
 * The upstreams of the bed: read strictly, write down what comes whole, and answer only that. For a
 * case of replies, `svc` sends its octets instead.
 */
import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '@leno/std';
import { recorderBody } from '../http/judge-exchange.ts';
import type { Recorded } from '../http/judge-seen.ts';
import { RequestReader, type WholeRequest } from '../http/request-reader.ts';
import { pause } from './until.ts';

const ANSWER_AFTER_MS = 50;
const BIG_TARGET = '/big';
const BIG_BYTES = 64 * 1024 * 1024;
const BIG_PIECE = Buffer.alloc(64 * 1024, 'b');
const NOTED_BYTES_MAX = 64 * 1024 * 1024;

/** What `svc` sends to `GET /case`, as soon as its head is whole. */
export interface Script {
  readonly octets: Buffer;
  readonly halfClose: boolean;
  /** No further request may come on that connection. */
  readonly discard: boolean;
}

interface Upstream {
  readonly reader: RequestReader;
  /** The script was played on it, and nothing may follow. */
  isSpent: boolean;
  /** The request that it is amid was answered by the script. */
  isPlayed: boolean;
}

export class Recorder {
  readonly requests: Recorded[] = [];
  readonly problems: string[] = [];
  script: Script | undefined;
  /** The path of streams: `svc` answers it 200 or 101, and sends a piece now and then until it ends. */
  streamTarget: string | undefined;
  /** Most requests that were open at one time. */
  concurrentPeak = 0;
  /** Connections since the start. */
  connectionCount = 0;
  /** By the monotonic clock, when octets came last. */
  lastOctetMs = 0;
  readonly #servers: Server[] = [];
  readonly #upstreams = new Map<Socket, Upstream>();
  #noted: Buffer[] = [];
  #notedBytes = 0;
  #pendingCount = 0;

  /** Opens both upstreams; gives their ports. */
  async listen(): Promise<{ readonly svc: number; readonly other: number }> {
    return { svc: await this.#listen('svc'), other: await this.#listen('other') };
  }

  /** Forgets what was seen; connections live on. */
  begin(): void {
    this.requests.length = 0;
    this.problems.length = 0;
    this.script = undefined;
    this.streamTarget = undefined;
    this.concurrentPeak = 0;
    this.#noted = [];
    this.#notedBytes = 0;
  }

  /** Requests that have begun on a connection that is still open, and are not whole. */
  get unfinishedCount(): number {
    return [...this.#upstreams.values()].filter((it) => !it.isSpent && it.reader.isAmidst).length;
  }

  /** Whether a reply is being written, or will be. */
  get isBusy(): boolean {
    return this.#pendingCount > 0;
  }

  /** All octets since `begin`, one character each. */
  get octets(): string {
    return Buffer.concat(this.#noted).toString('latin1');
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#upstreams.keys()) socket.destroy();
  }

  #listen(name: Recorded['upstream']): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#serve(socket, name),
    );
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  }

  #serve(socket: Socket, name: Recorded['upstream']): void {
    this.connectionCount += 1;
    const reader = new RequestReader({
      onHead: ({ method, target }) => {
        const { script } = this;
        const isCase = name === 'svc' && method === 'GET' && target === '/case';
        if (script !== undefined && isCase) this.#play(socket, upstream, script);
      },
      onRequest: (request) => {
        if (upstream.isPlayed || upstream.isSpent) {
          upstream.isPlayed = false;
          reader.answered();
          return;
        }
        this.requests.push({ ...request, upstream: name });
        if (name === 'svc' && request.target === this.streamTarget) void stream(socket, request);
        else void this.#answer(socket, upstream, request);
      },
      onProblem: (problem) => {
        if (!upstream.isSpent) this.problems.push(`${problem} (upstream ${name})`);
      },
    });
    const upstream: Upstream = { reader, isSpent: false, isPlayed: false };
    this.#upstreams.set(socket, upstream);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#upstreams.delete(socket));
    socket.on('end', () => socket.end());
    socket.on('data', (chunk) => this.#take(upstream, chunk));
  }

  #take(upstream: Upstream, chunk: Buffer): void {
    this.lastOctetMs = systemClock.nowMs();
    if (upstream.isSpent) {
      this.problems.push('a request on a connection to be discarded');
      return;
    }
    this.#notedBytes += chunk.length;
    if (this.#notedBytes <= NOTED_BYTES_MAX) this.#noted.push(chunk);
    upstream.reader.take(chunk);
    const openCount = this.unfinishedCount + this.#pendingCount;
    this.concurrentPeak = Math.max(this.concurrentPeak, openCount);
  }

  #play(socket: Socket, upstream: Upstream, { octets, halfClose, discard }: Script): void {
    upstream.isPlayed = true;
    upstream.isSpent = discard;
    socket.write(octets);
    if (halfClose) socket.end();
  }

  async #answer(socket: Socket, { reader }: Upstream, request: WholeRequest): Promise<void> {
    this.#pendingCount += 1;
    try {
      if (request.target === BIG_TARGET) await sendBig(socket);
      else await pause(ANSWER_AFTER_MS);
      if (socket.destroyed) return;
      const closes = request.fields.some(
        ([name, value]) => name.toLowerCase() === 'connection' && /\bclose\b/i.test(value),
      );
      if (request.target !== BIG_TARGET) socket.write(answerTo(request, closes));
      reader.answered();
      if (closes) socket.end();
    } finally {
      this.#pendingCount -= 1;
    }
  }
}

/** Nothing follows it on this connection. */
async function stream(socket: Socket, { fields }: WholeRequest): Promise<void> {
  const valueOf = (sought: string) => fields.find(([name]) => name.toLowerCase() === sought)?.[1];
  const upgrade = valueOf('upgrade');
  const accept = acceptOf(valueOf('sec-websocket-key')?.trim() ?? '');
  const head =
    upgrade === undefined
      ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked'
      : `HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ${upgrade.trim()}\r\nSec-WebSocket-Accept: ${accept}`;
  socket.write(`${head}\r\n\r\n`);
  while (!socket.destroyed && !socket.writableEnded) {
    socket.write(upgrade === undefined ? '1\r\n.\r\n' : '.');
    await pause(ANSWER_AFTER_MS);
  }
}

/** The proof that a WebSocket server has read the key (RFC 6455 §4.2.2). */
function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

function answerTo({ method, target }: WholeRequest, closes: boolean): string {
  const body = recorderBody(method, target);
  const lines = [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(closes ? ['Connection: close'] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}

/** Never more than the socket takes. */
async function sendBig(socket: Socket): Promise<void> {
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG_BYTES}\r\n\r\n`);
  for (let sent = 0; sent < BIG_BYTES && !socket.destroyed; sent += BIG_PIECE.length) {
    if (socket.write(BIG_PIECE)) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off('drain', go);
        socket.off('close', go);
        resolve();
      };
      socket.on('drain', go);
      socket.on('close', go);
    });
  }
}
