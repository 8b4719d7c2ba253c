/** Clients that open requests and leave at any moment, by a seed. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { Rng } from '@leno/std';

const BODY_BYTES = 100_000;
const DELAY_MS_MAX = 60;
/** Nobody stays longer. */
const LIFE_MS_MAX = 2_000;

const paths = [
  '/tell/me',
  '/octets/500',
  '/octets/300000',
  '/octets/50000000',
  '/hang',
  '/drip',
  '/torn',
  '/rude',
  '/hash',
  '/echo',
  '/trailers',
] as const;
const uploads: ReadonlySet<string> = new Set(['/hash', '/echo', '/hang']);
/** How a client leaves. */
const departures = ['fin', 'half', 'rst', 'stay'] as const;
/** How much of its request it has sent by then. */
const shares = [0, 0.002, 0.5, 1, 1, 1] as const;

type Departure = (typeof departures)[number];

export class Racer {
  /** How many races there were of each kind, and how many times octets or a whole stream came back. */
  readonly outcomes = {
    http1: 0,
    http2: 0,
    tunnels: 0,
    fin: 0,
    half: 0,
    rst: 0,
    stay: 0,
    answered: 0,
  };
  readonly #port: number;
  readonly #rng: Rng;

  /** `port` is that of a sidecar of a depot mesh. */
  constructor(port: number, rng: Rng) {
    this.#port = port;
    this.#rng = rng;
  }

  /** Starts `count` races on time and waits until every client has left. */
  async run(count: number, perSecond: number): Promise<void> {
    const startedAtMs = performance.now();
    const out: Promise<void>[] = [];
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const due = Math.floor(((performance.now() - startedAtMs) / 1_000) * perSecond);
        while (out.length < Math.min(due, count)) out.push(this.#race());
        if (out.length < count) return;
        clearInterval(timer);
        resolve();
      }, 5);
    });
    await Promise.all(out);
  }

  #race(): Promise<void> {
    const kind = this.#oneOf(['http1', 'http1', 'http2', 'http2', 'tunnels'] as const);
    this.outcomes[kind] += 1;
    if (kind === 'http2') return this.#raceHttp2();
    return this.#raceHttp1(kind === 'tunnels' ? upgrade : this.#request());
  }

  #request(): string {
    const path = this.#oneOf(paths);
    if (!uploads.has(path)) return `GET ${path} HTTP/1.1\r\nHost: depot\r\n\r\n`;
    const body = 'x'.repeat(BODY_BYTES);
    return `POST ${path} HTTP/1.1\r\nHost: depot\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  #raceHttp1(text: string): Promise<void> {
    const share = this.#oneOf(shares);
    const departure = this.#depart();
    const delayMs = this.#rng() * DELAY_MS_MAX;
    const isReading = this.#rng() < 0.7;
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(text.slice(0, Math.ceil(text.length * share)), 'latin1');
    if (isReading) {
      socket.once('data', () => {
        this.outcomes.answered += 1;
      });
      socket.resume();
      socket.on('end', () => socket.destroy());
    }
    return leave(socket, departure, delayMs);
  }

  /** One to eight streams on a connection of their own, of which each ends by itself. */
  async #raceHttp2(): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1');
    socket.on('error', () => undefined);
    const session = connectHttp2('http://depot', { createConnection: () => socket });
    session.on('error', () => undefined);
    const count = 1 + Math.floor(this.#rng() * 8);
    for (let index = 0; index < count; index += 1) this.#openStream(session);
    const departure = this.#depart();
    await leave(socket, departure === 'half' ? 'fin' : departure, this.#rng() * 2 * DELAY_MS_MAX);
  }

  #openStream(session: ClientHttp2Session): void {
    const path = this.#oneOf(paths);
    const isUpload = uploads.has(path);
    const stream = session.request({
      ':method': isUpload ? 'POST' : 'GET',
      ':path': path,
      ':authority': 'depot',
    });
    stream.on('error', () => undefined);
    stream.on('end', () => {
      this.outcomes.answered += 1;
    });
    if (this.#rng() < 0.8) stream.resume();
    if (isUpload) stream.write(Buffer.alloc(BODY_BYTES));
    if (this.#rng() < 0.5) stream.end();
    const code = this.#oneOf([0, 2, 8]);
    if (this.#rng() < 0.5) setTimeout(() => stream.close(code), this.#rng() * DELAY_MS_MAX);
  }

  #depart(): Departure {
    const departure = this.#oneOf(departures);
    this.outcomes[departure] += 1;
    return departure;
  }

  #oneOf<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#rng() * items.length)] as Item;
  }
}

const upgrade =
  'GET /ws HTTP/1.1\r\nHost: depot\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n' +
  '\u0081\u0085\u0000\u0000\u0000\u0000hello';

/** Leaves after a while, and settles when the connection is closed. */
function leave(socket: Socket, departure: Departure, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const patience = setTimeout(() => socket.destroy(), LIFE_MS_MAX);
    const timer = setTimeout(() => {
      if (departure === 'rst') socket.resetAndDestroy();
      else if (departure === 'fin') socket.destroy();
      else if (departure === 'half') socket.end();
    }, delayMs);
    socket.on('close', () => {
      clearTimeout(timer);
      clearTimeout(patience);
      resolve();
    });
  });
}
