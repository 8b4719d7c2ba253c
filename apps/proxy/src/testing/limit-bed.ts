/** Listeners and pools with tiny bounds, their metrics, and peers that go beyond. For tests. */
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import {
  ConnectionCap,
  createHttpServer,
  FieldList,
  type HttpServer,
  type HttpServerOptions,
  type ServerExchange,
  TcpServer,
  type TcpServerOptions,
} from '@leno/http';
import { createMeshMetrics, MetricStore, parsePrometheus, renderPrometheus } from '@leno/telemetry';
import { collectListener, collectTcpListeners } from '../limits/limit-metrics.ts';

const noFields = new FieldList();
export const open: { close(): unknown }[] = [];

/** Metrics as a scraper reads them. */
export class Scrape {
  readonly store = new MetricStore();
  readonly metrics = createMeshMetrics(this.store);

  /** The limits of that family that were met, and how often. */
  met(family: string): Record<string, number> {
    const samples = parsePrometheus(renderPrometheus(this.store));
    if (!samples.ok) throw new Error(samples.error);
    const found = samples.value.filter(({ name, value }) => name === family && value > 0);
    return Object.fromEntries(found.map(({ labels, value }) => [labels['limit'] ?? '', value]));
  }

  /** The samples of a family that are not 0, by the values of their labels. */
  values(family: string): Record<string, number> {
    const samples = parsePrometheus(renderPrometheus(this.store));
    if (!samples.ok) throw new Error(samples.error);
    const found = samples.value.filter(({ name, value }) => name === family && value > 0);
    return Object.fromEntries(
      found.map(({ labels, value }) => [Object.values(labels).join(' '), value]),
    );
  }

  /** The values that a label has in a family, those of samples that are 0 included. */
  names(family: string, label: string): ReadonlySet<string> {
    const samples = parsePrometheus(renderPrometheus(this.store));
    if (!samples.ok) throw new Error(samples.error);
    const found = samples.value.filter(({ name }) => name === family);
    return new Set(found.map(({ labels }) => labels[label] ?? ''));
  }

  /** Waits until that limit was met; the timeout of the test is the deadline. */
  async until(family: string, limit: string): Promise<Record<string, number>> {
    for (;;) {
      const met = this.met(family);
      if (met[limit] !== undefined) return met;
      await setImmediate();
    }
  }
}

export interface ListenerBed {
  readonly server: HttpServer;
  readonly scrape: Scrape;
  /** A new connection that sends `pieces`, and takes whatever comes unless it is paused. */
  dial(...pieces: (string | Buffer)[]): Socket;
}

/** A listener whose handler does what the path says: `/read`, `/hang`, `/tunnel`, or replies. */
export async function openListener(options: Partial<HttpServerOptions>): Promise<ListenerBed> {
  const server = createHttpServer({ http2: true, handler: answer, ...options });
  const { port } = await server.listen(0, '127.0.0.1');
  const scrape = new Scrape();
  collectListener(
    scrape,
    'inbound',
    () => server.stats,
    () => 0,
  );
  open.push(server);
  return { server, scrape, dial: (...pieces) => dial(port, pieces) };
}

/** A listener for TCP that takes whoever comes. */
export async function openTcpListener(options: Omit<TcpServerOptions, 'handler'>) {
  const server = new TcpServer({ handler: ({ socket }) => void socket.resume(), ...options });
  const { port } = await server.listen(0, '127.0.0.1');
  const scrape = new Scrape();
  collectTcpListeners(scrape, () => server.stats);
  open.push(server);
  return { server, scrape, dial: () => dial(port, []) };
}

function dial(port: number, pieces: readonly (string | Buffer)[]): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  open.push({ close: () => socket.destroy() });
  for (const piece of pieces) socket.write(piece);
  return socket;
}

export const capOfOne = (): ConnectionCap => new ConnectionCap(1);

function answer(exchange: ServerExchange): void {
  const sink = { onDrain: undefined, write: () => true, end: () => {}, abort: () => {} };
  switch (exchange.head.target) {
    case '/hang':
      return;
    case '/read':
      exchange.readBody(sink);
      return;
    case '/tunnel':
      exchange.tunnel(undefined, sink);
      return;
    case '/large':
      exchange.respond({ status: 200, fields: noFields, contentLength: undefined }, large);
      return;
    default:
      exchange.discardBody();
      exchange.respond({ status: 200, fields: noFields, contentLength: 0 }).end();
  }
}

const large = Buffer.alloc(20_000_000);

/** A server that does with each connection what `serve` says. Gives its port. */
export function openUpstream(serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  open.push({
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

/** A frame of HTTP/2. */
export function frame(type: number, flags: number, streamId: number, payload = ''): Buffer {
  const octets = Buffer.alloc(9 + payload.length);
  octets.writeUIntBE(payload.length, 0, 3);
  octets[3] = type;
  octets[4] = flags;
  octets.writeUInt32BE(streamId, 5);
  octets.write(payload, 9, 'latin1');
  return octets;
}

/** Preface and SETTINGS; `acknowledged` takes those of the server, too. */
export const greeting = (acknowledged = true): Buffer =>
  Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0),
    ...(acknowledged ? [frame(4, 1, 0)] : []),
  ]);

/** HEADERS of a request: indexed `:method` and `:scheme`, literal `:path` and `:authority`. */
export function ask(streamId: number, path: string, method: 'GET' | 'POST' = 'GET'): Buffer {
  const index = method === 'GET' ? '\x82' : '\x83';
  const block = `${index}\x86\x04${String.fromCharCode(path.length)}${path}\x01\x01a`;
  return frame(1, method === 'GET' ? 5 : 4, streamId, block);
}

export const repeat = (count: number, octets: Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, () => octets));
