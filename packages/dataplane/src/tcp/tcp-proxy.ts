/**
 * All TCP connections of one proxy: takes them in, counts them, ends them. They have a wheel of their
 * own, since their times are long: an hour needs no look every ten milliseconds.
 */
import type { EndpointBody } from '@leno/config';
import type { HelloReading, Peer, TcpSocket, TlsClientOptions } from '@leno/http';
import type { Call, Direction } from '../call.ts';
import type { Engine } from '../engine.ts';
import { type TcpCells, TcpMetrics } from '../observe/tcp-metrics.ts';
import { TimerWheel } from '../timer-wheel.ts';
import { describeConnection } from './describe-connection.ts';
import { connectClient, meshClient, plainClient, type TcpClient } from './tcp-client.ts';
import { type Dialled, TcpConnection, type TcpEnd } from './tcp-connection.ts';

/** What it needs beyond the engine. */
export interface TcpPorts {
  /** TLS towards the sidecar of this endpoint; undefined for one that has none. */
  tlsOf(body: EndpointBody): TlsClientOptions | undefined;
}

const TICK_MS = 250;
const SLOT_COUNT = 512;

/** See the head of this file. */
export class TcpProxy {
  readonly engine: Engine;
  readonly metrics: TcpMetrics;
  readonly wheel: TimerWheel;
  readonly #ports: TcpPorts;
  readonly #open = { inbound: new Set<TcpConnection>(), outbound: new Set<TcpConnection>() };
  readonly #draining = { inbound: false, outbound: false };
  readonly #emptied: Readonly<Record<Direction, (() => void)[]>> = { inbound: [], outbound: [] };

  constructor(engine: Engine, ports: TcpPorts) {
    this.engine = engine;
    this.#ports = ports;
    this.metrics = new TcpMetrics(engine.metrics.families);
    this.wheel = new TimerWheel(engine.clock, engine.timers, TICK_MS, SLOT_COUNT);
  }

  /** Connections under way, those that are being dialled included. */
  openCount(direction: Direction): number {
    return this.#open[direction].size;
  }

  /** A connection to a listener of the proxy's own, which stands for `authority`. */
  readonly dialled = (authority: string, socket: TcpSocket, peer: Peer): void =>
    this.#take('outbound', plainClient('TCP', socket, peer), { kind: 'authority', authority });

  /** A connection to the outbound listener that begins with the hello of TLS. */
  readonly greeted = (
    socket: TcpSocket,
    peer: Peer,
    hello: Exclude<HelloReading, { kind: 'more' }>,
  ): void => {
    const dialled: Dialled =
      hello.kind === 'hello'
        ? { kind: 'server-name', serverName: hello.serverName }
        : { kind: 'unreadable', detail: `a TLS hello that is malformed: ${hello.detail}` };
    this.#take('outbound', plainClient('TLS', socket, peer), dialled);
  };

  /** A CONNECT to a port for TCP. The call itself is over with that. */
  connect(call: Call, authority: string): void {
    this.#take('outbound', connectClient(call), { kind: 'authority', authority });
  }

  /** A connection of another sidecar. */
  readonly inbound = (socket: TcpSocket, peer: Peer): void =>
    this.#take('inbound', meshClient(socket, peer), { kind: 'application' });

  /** A connection to a listener that takes no more, as `detail` says: it is closed already, and counted here. */
  readonly overloaded = (authority: string, peer: Peer, detail: string): void => {
    const client: TcpClient = {
      method: 'TCP',
      peer,
      accept: () => undefined,
      refuse: () => undefined,
    };
    this.#take('outbound', client, { kind: 'full', authority, detail });
  };

  isDraining(direction: Direction): boolean {
    return this.#draining[direction];
  }

  tlsOf(body: EndpointBody): TlsClientOptions | undefined {
    return body.transport === 'mtls' ? this.#ports.tlsOf(body) : undefined;
  }

  /**
   * Takes nothing new that way, waits until nothing is left, and breaks off what is after `withinMs`.
   * Asked again, whoever gives less time has his way, and all of them hear of the end.
   */
  drain(direction: Direction, withinMs: number): Promise<void> {
    this.#draining[direction] = true;
    const open = this.#open[direction];
    if (open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.engine.timers.after(withinMs, () => this.#breakOff(direction));
      this.#emptied[direction].push(() => {
        late.cancel();
        resolve();
      });
    });
  }

  /** Breaks everything off. */
  close(): void {
    for (const direction of ['inbound', 'outbound'] as const) {
      this.#draining[direction] = true;
      this.#breakOff(direction);
    }
    this.wheel.stop();
  }

  /** For connections: one has ended. */
  ended(connection: TcpConnection, cells: TcpCells | undefined, end: TcpEnd, detail: string): void {
    const { direction } = connection;
    const { engine } = this;
    const durationMs = engine.clock.nowMs() - connection.startedAtMs;
    this.metrics.closed(cells, end);
    if (end === 'no-route') {
      const { routeNotFound } = engine.metrics.families;
      routeNotFound.add(routeNotFound.handle(direction));
    }
    if (!connection.hasCarried) engine.metrics.edges.add(connection, true, durationMs);
    const { entry, record } = describeConnection(engine, connection, { end, detail, durationMs });
    engine.journal.connectionEnded(entry, record);
    this.#open[direction].delete(connection);
    if (this.#open[direction].size > 0) return;
    for (const emptied of this.#emptied[direction].splice(0)) emptied();
  }

  #take(direction: Direction, client: TcpClient, dialled: Dialled): void {
    const connection = new TcpConnection(this, direction, client, dialled);
    this.#open[direction].add(connection);
    connection.start();
  }

  #breakOff(direction: Direction): void {
    for (const connection of [...this.#open[direction]]) {
      connection.fail('draining', 'the time to finish is over');
    }
  }
}
