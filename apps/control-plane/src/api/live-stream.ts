/** `/v1/stream`: the whole picture once a second, over a WebSocket, for the dashboard. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TimerHandle, Timers } from '@leno/std';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ApiParts } from './api-context.ts';
import { ApiProblem } from './problem.ts';

const everyMs = 1_000;
const windowS = 10;
/** Viewers at a time; further ones are answered 503. */
const viewerCountMax = 64;
/** A viewer that has not read this much yet is passed over until it has. */
const bufferedBytesMax = 1_048_576;
const eventCountMax = 200;

/** See the head of this file. Frames are made once a second for all viewers together. */
export class LiveStream {
  readonly #parts: ApiParts;
  readonly #timers: Timers;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: 1_024,
    perMessageDeflate: false,
  });
  readonly #viewers = new Set<WebSocket>();
  #timer: TimerHandle | undefined;
  #seq = 0;
  #skippedCount = 0;

  constructor(parts: ApiParts, timers: Timers) {
    this.#parts = parts;
    this.#timers = timers;
  }

  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Frames that were not sent because a viewer did not read. */
  get skippedCount(): number {
    return this.#skippedCount;
  }

  /** Answers upgrades of the API's server. */
  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const viewer of this.#viewers) viewer.close(1_001, 'the control plane stops');
    this.#sockets.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const status = this.#faultOf(request);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (viewer) => this.#welcome(viewer));
  }

  #faultOf(request: IncomingMessage): number | undefined {
    if ((request.url ?? '').split('?', 1)[0] !== '/v1/stream') return 404;
    const { host, origin, authorization } = request.headers;
    const { remoteAddress } = request.socket;
    try {
      const visitor = { host, origin, authorization, remoteAddress };
      this.#parts.guard.admit(visitor);
      this.#parts.guard.admitReader(visitor);
    } catch (thrown) {
      return thrown instanceof ApiProblem ? thrown.status : 500;
    }
    return this.#viewers.size >= viewerCountMax || !this.#parts.isReady() ? 503 : undefined;
  }

  #welcome(viewer: WebSocket): void {
    this.#viewers.add(viewer);
    viewer.on('close', () => this.#viewers.delete(viewer));
    viewer.on('error', () => viewer.terminate());
    const { nextSeq } = this.#parts.events;
    viewer.send(this.#frame(0));
    if (this.#timer !== undefined) return;
    this.#seq = nextSeq - 1;
    this.#timer = this.#timers.after(everyMs, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#viewers.size === 0) return;
    this.#timer = this.#timers.after(everyMs, () => this.#tick());
    const { nextSeq } = this.#parts.events;
    const frame = this.#frame(this.#seq);
    this.#seq = nextSeq - 1;
    for (const viewer of this.#viewers) {
      if (viewer.bufferedAmount > bufferedBytesMax) this.#skippedCount += 1;
      else viewer.send(frame);
    }
  }

  #frame(afterSeq: number): string {
    const { observatory, events, status } = this.#parts;
    return JSON.stringify({
      t: 'live',
      status: status(),
      proxies: observatory.proxies(),
      topology: observatory.topology(windowS),
      events: events.after(afterSeq, eventCountMax),
    });
  }
}
