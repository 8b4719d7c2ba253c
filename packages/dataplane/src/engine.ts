/**
 * What all calls of one proxy share: time, randomness, the running table, the application behind it, and
 * those who watch. Swapping the table is one assignment here.
 */
import type { ServerExchange } from '@leno/http';
import type { Clock, Rng, Timers } from '@leno/std';
import type { IdSource } from '@leno/telemetry';
import { OpenAccessList } from './authorization/open-access.ts';
import { Call, type Direction } from './call.ts';
import type { Egress } from './egress/egress.ts';
import { runStack } from './layer.ts';
import type { CallMetrics } from './observe/call-metrics.ts';
import type { CallJournal } from './observe/journal.ts';
import { gatewayStack, inboundStack, outboundStack } from './stack.ts';
import { emptyTable } from './table/compile.ts';
import type { RuntimeTable } from './table/runtime-table.ts';
import { type TcpPorts, TcpProxy } from './tcp/tcp-proxy.ts';
import { TimerWheel } from './timer-wheel.ts';
import type { Cluster } from './upstream/cluster.ts';

/** What an engine works with. */
export interface EnginePorts extends TcpPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  /** How this proxy names itself in `Proxy-Status`: `leno-payments`. */
  readonly name: string;
  /** Its own SPIFFE id. */
  readonly identity: string;
  readonly ids: IdSource;
  readonly metrics: CallMetrics;
  readonly journal: CallJournal;
  /** The application behind the inbound listener, as a cluster of one. */
  readonly application: Cluster;
  /** The way to what is not in the mesh; undefined: there is none. */
  readonly egress: Egress | undefined;
}

/** See the head of this file. */
export class Engine {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly name: string;
  readonly identity: string;
  readonly ids: IdSource;
  readonly metrics: CallMetrics;
  readonly journal: CallJournal;
  readonly application: Cluster;
  readonly egress: Egress | undefined;
  readonly wheel: TimerWheel;
  /** Connections of which only bytes are known. */
  readonly tcp: TcpProxy;
  /** The running revision. Calls keep the one they began with. */
  table: RuntimeTable = emptyTable;
  /** What the inbound side has let in: asked anew when access changes. */
  readonly openAccess = new OpenAccessList();
  /** Calls under way. */
  activeCount = 0;
  /** The share of new calls and TCP connections that is refused because the process is short of something; 0 to 1. */
  refusedRatio = 0;
  /** Calls that were refused for that, by direction. */
  readonly shedCount = { inbound: 0, outbound: 0 };

  constructor(ports: EnginePorts) {
    this.clock = ports.clock;
    this.timers = ports.timers;
    this.rng = ports.rng;
    this.name = ports.name;
    this.identity = ports.identity;
    this.ids = ports.ids;
    this.metrics = ports.metrics;
    this.journal = ports.journal;
    this.application = ports.application;
    this.egress = ports.egress;
    this.wheel = new TimerWheel(ports.clock, ports.timers);
    this.tcp = new TcpProxy(this, ports);
  }

  /** Takes one request of the outbound listener through its stack. */
  readonly outbound = (exchange: ServerExchange): void =>
    this.#take(new Call(this, exchange, 'outbound', outboundStack));

  /** Takes one request of the inbound listener through its stack. */
  readonly inbound = (exchange: ServerExchange): void =>
    this.#take(new Call(this, exchange, 'inbound', inboundStack));

  /** Whether a new call is refused for want of something, which is counted. */
  sheds(direction: Direction): boolean {
    if (this.refusedRatio === 0 || this.rng() >= this.refusedRatio) return false;
    this.shedCount[direction] += 1;
    return true;
  }

  /** Takes the requests that come to one port of a gateway; `port` is what its listeners call it. */
  gateway(port: number): (exchange: ServerExchange) => void {
    return (exchange) => {
      const call = new Call(this, exchange, 'outbound', gatewayStack);
      call.gatewayPort = port;
      this.#take(call);
    };
  }

  #take(call: Call): void {
    call.exchange.onClose = call.clientGone;
    try {
      runStack(call);
    } catch (thrown) {
      call.crashed(thrown);
    }
  }
}
