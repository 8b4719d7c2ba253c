/**
 * One request on its way through the proxy: what was decided about it so far, and how it ended. The
 * layers read and write it; it holds no logic but that of ending exactly once.
 */
import type { AccessDecision } from '@leno/authz';
import type { ClientTry, FieldList, Peer, RequestHead, ServerExchange } from '@leno/http';
import type { RouteBackend } from '@leno/routing';
import { deadlineAfter, messageOf, type TimerHandle } from '@leno/std';
import type { AttemptNote } from '@leno/telemetry';
import { type AccessSubject, authorizeRequest } from './authorization/authorize-request.ts';
import type { OpenAccess } from './authorization/open-access.ts';
import type { Engine } from './engine.ts';
import { GRPC_NONE, isGrpcCall } from './grpc/grpc-status.ts';
import { type Layer, leaveStack } from './layer.ts';
import type { RouteCells } from './observe/call-metrics.ts';
import { grpcStatusOfReason, type Reason, reasons } from './reasons.ts';
import { grpcTrailers, sendReason } from './reply.ts';
import type { CallPolicy } from './table/policy.ts';
import type { RuntimeTable, ServiceEntry, TableRule } from './table/runtime-table.ts';
import type { WheelEntry } from './timer-wheel.ts';
import type { Attempt } from './tries/attempt.ts';
import type { ReplyBody } from './tries/reply-body.ts';
import type { RequestBody, RequestBodyOwner } from './tries/request-body.ts';
import { deadlineOfTry } from './tries/try-deadline.ts';
import type { Cluster } from './upstream/cluster.ts';

/** From the application into the mesh, or from the mesh to the application. */
export type Direction = 'inbound' | 'outbound';

/** Most calls have one try: a list that grows would take room for many. */
const NO_TRIES: readonly AttemptNote[] = [];

/** See the head of this file. */
export class Call implements WheelEntry, AccessSubject, OpenAccess, RequestBodyOwner {
  readonly engine: Engine;
  readonly exchange: ServerExchange;
  readonly direction: Direction;
  readonly stack: readonly Layer[];
  /** The one revision that decides this call, from its first byte to its last. */
  readonly table: RuntimeTable;
  readonly head: RequestHead;
  readonly startedAtMs: number;
  /** Path and query as they are forwarded. */
  target: string;
  /** Whether it is a call of gRPC, whose failures are said in its own words. */
  readonly isGrpc: boolean;

  /** The port of the gateway where it has come in from outside; 0 within the mesh. */
  gatewayPort = 0;
  /** The next layer to enter. */
  layerIndex = 0;
  /** Inbound: for whom a trusted forwarder calls, and what the policies have said. */
  speaksFor: string | undefined = undefined;
  access: AccessDecision | undefined = undefined;
  openPrevious: OpenAccess | undefined = undefined;
  openNext: OpenAccess | undefined = undefined;
  requestId = '';
  traceId = '';
  service: ServiceEntry | undefined;
  rule: TableRule | undefined;
  /** The backend of the rule that the weights have chosen. */
  backend: RouteBackend | undefined;
  cluster: Cluster | undefined;
  /** Whether it goes to what is not in the mesh, which is told nothing of the mesh. */
  leavesMesh = false;
  policy: CallPolicy;
  /** On the engine's clock; `Infinity` for streams, which `idleCheckAtMs` bounds instead. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** The deadline that the caller of gRPC itself has given: it holds for streams, too. */
  firmDeadlineMs = Number.POSITIVE_INFINITY;
  /** Whether it is gRPC, and more of its request may come: who knows for how long. */
  isStreaming = false;
  /** When to look next whether anything has moved; `Infinity` while there is a deadline. */
  idleCheckAtMs = Number.POSITIVE_INFINITY;

  body: RequestBody | undefined;
  /** The body of the reply, once its head has gone out. */
  reply: ReplyBody | undefined;
  attempt: Attempt | undefined;
  /** Tries begun so far. */
  tryCount = 0;
  /** Interim replies that went to the client, of all tries. */
  interimCount = 0;
  /** What became of each try, oldest first; bounded by the retry limit. */
  tries: readonly AttemptNote[] = NO_TRIES;
  /** Whether the try that waits or runs was taken from the retry budget. */
  holdsBudget = false;
  /** The back-off before the next try. */
  retryTimer: TimerHandle | undefined;
  /** After an upgrade: breaks both directions off. */
  breakTunnel: ((cause: string) => void) | undefined;
  notRetriedBecause: string | undefined;

  /** Status that the caller saw; 0 while there is none. */
  status = 0;
  /** The gRPC code that the caller saw; see `GRPC_NONE` and `GRPC_NO_CODE`. */
  grpcStatus = GRPC_NONE;
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
  /** Where this call is counted, once its peer and route are known. */
  cells: RouteCells | undefined;
  /** Whether it was ended because nothing moved. */
  wentIdle = false;
  #movedBytes = 0;
  #quietCheckCount = 0;

  expiresAtMs = Number.POSITIVE_INFINITY;
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;

  constructor(
    engine: Engine,
    exchange: ServerExchange,
    direction: Direction,
    stack: readonly Layer[],
  ) {
    this.engine = engine;
    this.stack = stack;
    this.exchange = exchange;
    this.direction = direction;
    this.table = engine.table;
    this.head = exchange.head;
    this.target = exchange.head.target;
    this.startedAtMs = exchange.startedAtMs;
    this.policy = engine.table.basePolicy;
    this.isGrpc = isGrpcCall(exchange.head);
  }

  get peer(): Peer {
    return this.exchange.peer;
  }

  get method(): string {
    return this.head.method;
  }

  get authority(): string {
    return this.head.authority;
  }

  get fields(): FieldList {
    return this.head.fields;
  }

  /** Access has changed since it was let in: ends it unless it would be let in again, as it is. */
  reauthorize(): void {
    const { target } = this;
    const verdict = authorizeRequest(this.engine.table, this);
    this.access = verdict.decision;
    if (verdict.kind === 'refused') this.fail(verdict.reason, verdict.detail);
    else if (this.target !== target)
      this.fail('denied', 'its path was forwarded in another spelling');
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
    if (this.isGrpc) this.grpcStatus = grpcStatusOfReason(reason);
    this.attempt?.cancel();
    if (this.breakTunnel !== undefined) {
      this.breakTunnel(reason);
    } else if (this.exchange.responded) {
      this.#breakReply(reason, detail);
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
    if (this.status === 0) this.status = reasons[cause].status;
    if (this.isGrpc) this.grpcStatus = grpcStatusOfReason(cause);
    this.attempt?.cancel();
    this.end();
  };

  /** The client's body will never be whole: the exchange tells that itself, by `onClose`. */
  bodyBroken(): void {
    // The try must not be taken for whole.
    this.attempt?.cancel();
  }

  /**
   * The request is whole. From here on a call of gRPC has as long as any other (Envoy counts a
   * route's timeout from here, too), unless its reply has begun: then it is a stream.
   */
  bodyEnded(): void {
    if (!this.isStreaming || this.ended) return;
    this.isStreaming = false;
    if (this.exchange.responded) return;
    const nowMs = this.engine.clock.nowMs();
    const ownMs = deadlineAfter(nowMs, this.policy.requestTimeoutMs);
    this.deadlineMs = Math.min(ownMs, this.firmDeadlineMs);
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) {
      this.idleCheckAtMs = Number.POSITIVE_INFINITY;
    }
    this.attempt?.bound(deadlineOfTry(this, nowMs));
    this.rearm();
  }

  /** A layer has thrown: a bug ends this call, never the process or the calls beside it. */
  crashed(thrown: unknown): void {
    this.fail('filter-failed', messageOf(thrown));
  }

  /** Settles everything, once: timers, layers in reverse, counters. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.engine.wheel.cancel(this);
    leaveStack(this);
  }

  /** From now on the call is bounded by silence, not by its age: it is a stream or a tunnel. */
  boundBySilence(nowMs: number): void {
    const { idleTimeoutMs } = this.policy;
    this.deadlineMs = this.firmDeadlineMs;
    this.#quietCheckCount = 0;
    this.idleCheckAtMs = idleTimeoutMs > 0 ? nowMs + idleTimeoutMs / 2 : Number.POSITIVE_INFINITY;
  }

  /** Puts the call in the wheel for whatever is due first. */
  rearm(): void {
    const tryDeadlineMs = this.attempt?.deadlineMs ?? Number.POSITIVE_INFINITY;
    const atMs = Math.min(this.deadlineMs, this.idleCheckAtMs, tryDeadlineMs);
    this.engine.wheel.schedule(this, atMs);
  }

  expire(nowMs: number): void {
    if (this.ended) return;
    try {
      this.#look(nowMs);
      if (!this.ended) this.rearm();
    } catch (thrown) {
      this.crashed(thrown);
    }
  }

  /** A reply of gRPC can still say why; any other is left without an end, so that nobody takes it for whole. */
  #breakReply(reason: Reason, detail: string): void {
    const { reply } = this;
    if (reply?.takesTrailers !== true) this.exchange.abort(reason);
    else reply.breakOff(grpcTrailers(this, reason, detail));
  }

  #look(nowMs: number): void {
    if (nowMs >= this.deadlineMs) {
      // Once its head is there, how long a reply takes is up to the client as well.
      if (!this.exchange.responded) this.attempt?.timedOut('request-timeout');
      this.fail('request-timeout', `after ${Math.round(nowMs - this.startedAtMs)} ms`);
    } else if (nowMs >= this.idleCheckAtMs && this.#isSilent(nowMs)) {
      this.wentIdle = true;
      this.fail('request-timeout', `nothing has moved for ${this.policy.idleTimeoutMs} ms`);
    } else {
      this.attempt?.expire(nowMs);
    }
  }

  /** Looks at half of the idle time, so that a byte costs no clock: two looks in vain are enough. */
  #isSilent(nowMs: number): boolean {
    const movedBytes = this.requestBytes + this.responseBytes + (this.body?.byteCount ?? 0);
    this.#quietCheckCount = movedBytes === this.#movedBytes ? this.#quietCheckCount + 1 : 0;
    this.#movedBytes = movedBytes;
    this.idleCheckAtMs = nowMs + this.policy.idleTimeoutMs / 2;
    return this.#quietCheckCount >= 2;
  }
}
