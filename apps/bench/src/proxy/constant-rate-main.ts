/**
 * Sends requests at a constant rate and says how long they took. Open loop: the clock alone decides when
 * a request leaves, never a reply, so that a proxy that stops for a moment is charged with everything
 * that waits meanwhile. Arguments as JSON; one line of JSON comes out.
 */
import { connect, type Socket } from 'node:net';
import { percentile } from './median.ts';

/** What is asked of this process. */
export interface RateOrder {
  readonly port: number;
  readonly authority: string;
  readonly path: string;
  readonly perSecond: number;
  readonly durationS: number;
  /** Requests of this long at the start count for nothing. */
  readonly warmUpS: number;
  readonly connectionCount: number;
}

/** What it answers; times in microseconds. */
export interface RateAnswer {
  readonly requestCount: number;
  readonly failureCount: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const order = JSON.parse(process.argv[2] ?? '') as RateOrder;
/** How long replies are waited for when all is sent. */
const graceMs = 15_000;
const head = Buffer.from(
  `GET ${order.path} HTTP/1.1\r\nHost: ${order.authority}\r\n\r\n`,
  'latin1',
);
const tookUs: number[] = [];
/** Connections without a request, and the due times of requests for which there was none. */
const free: Client[] = [];
const waiting: number[] = [];
let failureCount = 0;

/** One connection with at most one request under way. Replies need a `content-length`. */
class Client {
  readonly #socket: Socket;
  #dueMs = 0;
  #leftBytes = -1; // Of the body; -1 before its head has come.
  #text = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      failureCount += 1;
    });
  }

  send(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(head);
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#leftBytes >= 0) {
      this.#leftBytes -= chunk.length;
    } else {
      this.#text += chunk.toString('latin1');
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#text.startsWith('HTTP/1.1 200')) failureCount += 1;
      const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text)?.[1] ?? 0;
      this.#leftBytes = Number(length) - (this.#text.length - end - 4);
      this.#text = '';
    }
    if (this.#leftBytes > 0) return;
    this.#leftBytes = -1;
    const nowMs = performance.now();
    if (this.#dueMs >= countFromMs) tookUs.push((nowMs - this.#dueMs) * 1_000);
    const next = waiting.shift();
    if (next === undefined) free.push(this);
    else this.send(next);
  }
}

const clients = await Promise.all(
  Array.from({ length: order.connectionCount }, async () => {
    const socket = connect({ port: order.port, host: '127.0.0.1', noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Client(socket);
  }),
);
free.push(...clients);

const startedAtMs = performance.now();
const countFromMs = startedAtMs + order.warmUpS * 1_000;
const total = Math.round(order.perSecond * (order.warmUpS + order.durationS));
let sentCount = 0;

/**
 * A request is due when its time has come and this process runs: that the system wakes it late is
 * no doing of the proxy.
 */
function tick(): void {
  const nowMs = performance.now();
  const due = Math.min(total, Math.floor(((nowMs - startedAtMs) / 1_000) * order.perSecond));
  for (; sentCount < due; sentCount += 1) {
    const client = free.pop();
    if (client === undefined) waiting.push(nowMs);
    else client.send(performance.now());
  }
  if (sentCount < total) setTimeout(tick, 1);
  else settle(nowMs + graceMs);
}

function settle(untilMs: number): void {
  if (free.length === clients.length || performance.now() > untilMs) finish();
  else setTimeout(settle, 10, untilMs);
}

function finish(): void {
  const unanswered = clients.length - free.length + waiting.length;
  for (const client of clients) client.close();
  const sorted = Float64Array.from(tookUs).sort();
  const answer: RateAnswer = {
    requestCount: sorted.length,
    failureCount: failureCount + unanswered,
    p50Us: percentile(sorted, 0.5),
    p99Us: percentile(sorted, 0.99),
  };
  console.log(JSON.stringify(answer));
}

tick();
