/**
 * One request on its way through the proxy: what was decided about it so far, and how it ended. The
 * layers read and write it; it holds no logic but that of ending exactly once.
 */
import type { ClientTry, RequestHead, ServerExchange } from '@leno/http';
import type { AttemptNote } from '@leno/telemetry';
import type { Engine } from './engine.ts';
import type { Reason } from './reasons.ts';
import { sendReason } from './reply.ts';
import { leaveStack } from './stack.ts';
import type { CallPolicy } from './table/policy.ts';
import type { RuntimeTable, ServiceEntry, TableRule } from './table/runtime-table.ts';
import type { WheelEntry } from './timer-wheel.ts';
import type { Attempt } from './tries/attempt.ts';
import type { RequestBody } from './tries/request-body.ts';
import type { Cluster } from './upstream/cluster.ts';

export type Direction = 'inbound' | 'outbound';

export class Call implements WheelEntry {
  readonly engine: Engine;
  readonly exchange: ServerExchange;
  readonly direction: Direction;
  /** The one revision that decides this call, from its first byte to its last. */
  readonly table: RuntimeTable;
  readonly head: RequestHead;
  readonly startedAtMs: number;

  /** The next layer to enter. */
  layerIndex = 0;
  requestId = '';
  traceId = '';
  service: ServiceEntry | undefined;
  rule: TableRule | undefined;
  cluster: Cluster | undefined;
  policy: CallPolicy;
  /** On the engine's clock; `Infinity` for streams. */
  deadlineMs = Number.POSITIVE_INFINITY;

  body: RequestBody | undefined;
  attempt: Attempt | undefined;
  /** Tries begun so far. */
  tryCount = 0;
  /** What became of each try, oldest first; bounded by the retry limit. */
  readonly tries: AttemptNote[] = [];
  /** Whether the try that waits or runs was taken from the retry budget. */
  holdsBudget = false;
  notRetriedBecause: string | undefined;

  /** Status that the caller saw; 0 while there is none. */
  status = 0;
  /** Why the mesh ended it; undefined if the upstream answered. */
  reason: Reason | undefined;
  detail = '';
  /** True while it is proved that no application saw anything of it. */
  unprocessed = true;
  requestBytes = 0;
  responseBytes = 0;
  /** The peer named in metrics: the service called (outbound) or the calling service (inbound). */
  peerName = 'unknown';
  routeName = '-';
  /** Transport towards the peer that is named, as its socket showed it. */
  transport: 'mtls' | 'tls' | 'plain' | 'none' = 'none';
  ended = false;

  expiresAtMs = Number.POSITIVE_INFINITY;
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;

  constructor(engine: Engine, exchange: ServerExchange, direction: Direction) {
    this.engine = engine;
    this.exchange = exchange;
    this.direction = direction;
    this.table = engine.table;
    this.head = exchange.head;
    this.startedAtMs = exchange.startedAtMs;
    this.policy = engine.table.basePolicy;
  }

  /** The pending try, if bytes may still come from it. */
  get clientTry(): ClientTry | undefined {
    return this.attempt?.clientTry;
  }

  /** Ends the call with a reply of the mesh's own, or breaks it off where a reply has begun. */
  fail(reason: Reason, detail: string): void {
    if (this.ended) return;
    this.reason = reason;
    this.detail = detail;
    this.attempt?.cancel();
    if (this.exchange.responded) {
      this.exchange.abort(reason);
    } else {
      this.status = sendReason(this, reason, detail);
    }
    this.end();
  }

  /** The client went away before its reply was whole; there is nobody to answer. */
  readonly clientGone = (cause: 'client-gone' | 'bad-request' | 'client-timeout'): void => {
    if (this.ended) return;
    this.reason = cause;
    this.detail = 'before the reply was whole';
    this.attempt?.cancel();
    this.end();
  };

  /** Settles everything, once: timers, layers in reverse, counters. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.engine.wheel.cancel(this);
    leaveStack(this);
  }

  expire(nowMs: number): void {
    if (this.ended) return;
    if (nowMs >= this.deadlineMs) {
      this.attempt?.timedOut();
      this.fail('request-timeout', `after ${Math.round(nowMs - this.startedAtMs)} ms`);
      return;
    }
    this.attempt?.expire(nowMs);
  }
}
