/**
 * One TCP connection through the proxy.
 *
 *   chosen --endpoint picked--> dialling --open--> carrying --both ends done--> ended
 *      |                          |  '--failed, and budget left--> dialling    |
 *      '--refused-----------------'--no further try------> ended <--idle, drain, a reset
 *
 * While it is dialled nothing is read of the client, so that another endpoint may be tried without
 * anything lost. The breaker hears how dialling went; the balancer counts the connection for as long
 * as it is open.
 */
import type { AccessDecision } from '@leno/authz';
import {
  type Peer,
  TcpDial,
  type TcpDialFailure,
  TcpPump,
  type TcpPumpEnd,
  type TcpSocket,
} from '@leno/http';
import { decideRetry } from '@leno/resilience';
import { messageOf, type TimerHandle } from '@leno/std';
import type { AttemptNote } from '@leno/telemetry';
import { authorizeConnection } from '../authorization/authorize-connection.ts';
import type { OpenAccess } from '../authorization/open-access.ts';
import type { Direction } from '../call.ts';
import type { Engine } from '../engine.ts';
import { serviceOfIdentity } from '../layers/observe.ts';
import type { TcpCells } from '../observe/tcp-metrics.ts';
import type { Reason } from '../reasons.ts';
import type { CallPolicy } from '../table/policy.ts';
import { inboundPolicy } from '../table/policy.ts';
import type { RuntimeTable } from '../table/runtime-table.ts';
import type { WheelEntry } from '../timer-wheel.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { type Endpoint, PANIC_PERMIT } from '../upstream/endpoint.ts';
import { chooseByAuthority, chooseByServerName } from './choose-destination.ts';
import type { TcpClient } from './tcp-client.ts';
import type { TcpProxy } from './tcp-proxy.ts';

/** How it ended; only `done` is a success. */
export type TcpEnd = 'done' | 'idle-timeout' | Reason;

/** What was dialled. */
export type Dialled =
  | { readonly kind: 'authority'; readonly authority: string }
  | { readonly kind: 'server-name'; readonly serverName: string | undefined }
  | { readonly kind: 'unreadable'; readonly detail: string }
  /** The listener that stands for it takes no more, as `detail` says. */
  | { readonly kind: 'full'; readonly authority: string; readonly detail: string }
  /** Inbound: the one application that this sidecar stands beside. */
  | { readonly kind: 'application' };

const INBOUND_IDLE_FACTOR = 2;

const endOf = {
  done: 'done',
  'client-reset': 'client-gone',
  'upstream-reset': 'upstream-reset',
} as const satisfies Record<TcpPumpEnd, TcpEnd>;

/** See the head of this file. */
export class TcpConnection implements WheelEntry, OpenAccess {
  readonly direction: Direction;
  readonly client: TcpClient;
  readonly dialled: Dialled;
  /** The one revision that decides it. */
  readonly table: RuntimeTable;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly tries: AttemptNote[] = [];
  peerName = 'unknown';
  routeName = '-';
  transport: Peer['transport'] | 'none' = 'none';
  tryCount = 0;
  /** The last try; while the connection is open, where it leads. */
  attempt: { readonly endpoint: Endpoint } | undefined;
  cluster: Cluster | undefined;
  receivedBytes = 0;
  sentBytes = 0;
  notRetriedBecause: string | undefined;
  /** Inbound: what was decided about who calls, last. */
  access: AccessDecision | undefined;

  expiresAtMs = Number.POSITIVE_INFINITY;
  wheelPrevious: WheelEntry | undefined = undefined;
  wheelNext: WheelEntry | undefined = undefined;
  openPrevious: OpenAccess | undefined = undefined;
  openNext: OpenAccess | undefined = undefined;

  readonly #proxy: TcpProxy;
  readonly #engine: Engine;
  #policy: CallPolicy = inboundPolicy;
  #idleTimeoutMs = 0;
  #cells: TcpCells | undefined;
  #dial: TcpDial | undefined;
  #retryTimer: TimerHandle | undefined;
  #pump: TcpPump | undefined;
  #permit = PANIC_PERMIT;
  #tryStartedAtMs = 0;
  #connectMs = 0;
  #isCounted = false;
  #holdsBudget = false;
  #ended = false;
  #movedBytes = 0;
  #quietCheckCount = 0;

  constructor(proxy: TcpProxy, direction: Direction, client: TcpClient, dialled: Dialled) {
    this.#proxy = proxy;
    this.#engine = proxy.engine;
    this.direction = direction;
    this.client = client;
    this.dialled = dialled;
    this.table = proxy.engine.table;
    this.requestId = proxy.engine.ids.requestId();
    this.startedAtMs = proxy.engine.clock.nowMs();
  }

  /** Decides and dials. Called once. */
  start(): void {
    this.#guarded(() => {
      const chosen = this.direction === 'inbound' ? this.#letIn() : this.#choose();
      const refusal = chosen ?? (this.#isShed ? short : undefined);
      this.#cells = this.#proxy.metrics.opened(this.direction, this.peerName);
      if (refusal !== undefined) this.fail(...refusal);
      else this.#begin();
    });
  }

  /** Ends it, open or not, for a reason of the mesh's own. */
  fail(reason: TcpEnd & Reason, detail: string): void {
    if (this.#ended) return;
    if (this.#pump === undefined) this.client.refuse(reason, detail);
    else this.#pump.breakOff();
    this.#end(reason, detail);
  }

  /** Access has changed since it was let in: breaks it off unless it would be let in again. */
  reauthorize(): void {
    const { table } = this.#engine;
    const verdict = authorizeConnection(table, this.client.peer, table.access.tcpPort);
    this.access = verdict.decision;
    if (verdict.kind === 'refused') this.fail(verdict.reason, verdict.detail);
  }

  crashed(thrown: unknown): void {
    this.fail('filter-failed', messageOf(thrown));
  }

  /** Half of the idle time is over: a byte costs no clock that way. */
  expire(nowMs: number): void {
    const movedBytes = this.receivedBytes + this.sentBytes;
    this.#quietCheckCount = movedBytes === this.#movedBytes ? this.#quietCheckCount + 1 : 0;
    this.#movedBytes = movedBytes;
    if (this.#quietCheckCount < 2) {
      this.#proxy.wheel.schedule(this, nowMs + this.#idleTimeoutMs / 2);
      return;
    }
    this.#pump?.breakOff();
    this.#end('idle-timeout', `nothing has moved for ${this.#idleTimeoutMs} ms`);
  }

  moved(from: 'client' | 'upstream', byteCount: number): void {
    if (from === 'client') this.receivedBytes += byteCount;
    else this.sentBytes += byteCount;
    this.#proxy.metrics.moved(this.#cells, from, byteCount);
  }

  ended(end: TcpPumpEnd): void {
    this.#end(endOf[end], end === 'done' ? '' : 'it broke off');
  }

  onOpen(upstream: TcpSocket): void {
    this.#guarded(() => this.#carry(upstream));
  }

  onFailed(failure: TcpDialFailure): void {
    this.#guarded(() => this.#tryFailed(failure));
  }

  #letIn(): readonly [Reason, string] | undefined {
    const { peer } = this.client;
    this.transport = peer.transport;
    this.peerName = serviceOfIdentity(peer.identity);
    this.cluster = this.#engine.application;
    // The calling side, which knows what is wanted of it, is to be the first.
    this.#idleTimeoutMs = this.table.ownPolicy.tcpIdleTimeoutMs * INBOUND_IDLE_FACTOR;
    const { access } = this.table;
    const verdict = authorizeConnection(this.table, peer, access.tcpPort);
    this.access = verdict.decision;
    if (access.hasPolicies && verdict.decision !== undefined) {
      this.#engine.metrics.access.count(verdict.decision, this.peerName);
    }
    if (verdict.kind === 'refused') return [verdict.reason, verdict.detail];
    this.#engine.openAccess.add(this);
    return this.#proxy.isDraining(this.direction) ? draining : undefined;
  }

  #choose(): readonly [Reason, string] | undefined {
    const { dialled, table } = this;
    if (dialled.kind === 'unreadable') return ['bad-request', dialled.detail];
    if (dialled.kind === 'application') return ['no-route', 'nothing was dialled'];
    const chosen =
      dialled.kind === 'server-name'
        ? chooseByServerName(table, dialled.serverName)
        : chooseByAuthority(table, dialled.authority);
    if (chosen.service !== undefined) this.peerName = chosen.service.name;
    if (dialled.kind === 'full') return ['overloaded', dialled.detail];
    if (chosen.kind === 'none') return ['no-route', chosen.detail];
    this.routeName = chosen.routeName;
    this.cluster = chosen.cluster;
    this.#policy = chosen.service.policy;
    this.#idleTimeoutMs = this.#policy.tcpIdleTimeoutMs;
    return this.#proxy.isDraining(this.direction) ? draining : undefined;
  }

  /** A CONNECT was asked already, as the call that it was. */
  get #isShed(): boolean {
    return this.client.method !== 'CONNECT' && this.#engine.sheds(this.direction);
  }

  #begin(): void {
    this.cluster?.budget.deposit(this.startedAtMs);
    this.#try();
  }

  #try(): void {
    const { cluster } = this;
    if (this.#ended || cluster === undefined) return;
    const nowMs = this.#engine.clock.nowMs();
    const picked = cluster.pick(nowMs, this.attempt?.endpoint);
    if (typeof picked === 'string') return this.fail(picked, cluster.name);
    if (picked.tcpCount >= cluster.limits.connectionCountMax) {
      return this.fail('overflow', `${picked.tcpCount} connections to ${picked.id}`);
    }
    this.tryCount += 1;
    this.attempt = { endpoint: picked };
    this.#tryStartedAtMs = nowMs;
    this.#permit = cluster.started(picked, nowMs);
    picked.tcpCount += 1;
    this.#isCounted = true;
    const { address, port } = picked.body;
    const { timers } = this.#engine;
    const tls = this.#proxy.tlsOf(picked.body);
    const { connectTimeoutMs } = cluster;
    this.#dial = new TcpDial({ address, port, tls, connectTimeoutMs, timers }, this);
  }

  #tryFailed({ reason, isAnswer, detail }: TcpDialFailure): void {
    const isRefusedThere = reason === 'denied' || reason === 'unauthenticated';
    this.#note({ kind: 'failure', reason, unprocessed: true, detail });
    this.#settle(isRefusedThere ? 'success' : 'failure');
    this.#release();
    const { cluster } = this;
    const nowMs = this.#engine.clock.nowMs();
    const isTheirs = isAnswer && reason !== 'connect-failed' && reason !== 'connect-timeout';
    const decision = decideRetry({
      method: 'CONNECT',
      hasIdempotencyKey: false,
      replayable: true,
      // A sidecar that cannot take it now is as one that answers 503.
      reason: isTheirs && !isRefusedThere ? undefined : reason,
      unprocessed: true,
      status: isTheirs && !isRefusedThere ? 503 : 0,
      retryAfterMs: undefined,
      policy: this.#policy.retry,
      retriesMade: this.tryCount - 1,
      deadlineMs: Number.POSITIVE_INFINITY,
      nowMs,
      rng: this.#engine.rng,
      admitsBudget: () => cluster?.budget.tryWithdraw(nowMs, cluster.activeCount) ?? false,
    });
    if (decision.kind === 'stop') {
      this.notRetriedBecause = decision.because;
      this.fail(reason, detail);
      return;
    }
    this.#holdsBudget = true;
    this.#retryTimer = this.#engine.timers.after(decision.delayMs, () =>
      this.#guarded(() => this.#try()),
    );
  }

  #carry(upstream: TcpSocket): void {
    const nowMs = this.#engine.clock.nowMs();
    this.#note({ kind: 'reply', status: 0 });
    // The breaker is settled now, the load of the endpoint when the connection ends.
    this.#connectMs = nowMs - this.#tryStartedAtMs;
    const { attempt } = this;
    if (this.#permit !== PANIC_PERMIT) attempt?.endpoint.breaker.success(this.#permit, nowMs);
    this.#permit = PANIC_PERMIT;
    this.#releaseBudget();
    if (this.direction === 'outbound') {
      this.transport = attempt?.endpoint.body.transport === 'mtls' ? 'mtls' : 'plain';
    }
    const client = this.client.accept();
    if (client === undefined) {
      upstream.destroy();
      this.#end('client-gone', 'before it was connected');
      return;
    }
    this.#engine.metrics.edges.add(this, false, nowMs - this.startedAtMs);
    this.#pump = new TcpPump(client, upstream, this);
    if (this.#idleTimeoutMs > 0) {
      this.#proxy.wheel.schedule(this, nowMs + this.#idleTimeoutMs / 2);
    }
  }

  #end(end: TcpEnd, detail: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#engine.openAccess.remove(this);
    this.#dial?.cancel();
    this.#retryTimer?.cancel();
    this.#proxy.wheel.cancel(this);
    this.#settle(this.#pump === undefined ? 'ignored' : 'success');
    this.#release();
    this.#proxy.ended(this, this.#cells, end, detail);
  }

  /** Of whatever try is under way: what breaker and balancer are to think of it. */
  #settle(outcome: 'success' | 'failure' | 'ignored'): void {
    const { cluster, attempt } = this;
    if (!this.#isCounted || cluster === undefined || attempt === undefined) return;
    this.#isCounted = false;
    attempt.endpoint.tcpCount -= 1;
    const nowMs = this.#engine.clock.nowMs();
    const tookMs = this.#pump === undefined ? nowMs - this.#tryStartedAtMs : this.#connectMs;
    cluster.ended(attempt.endpoint, this.#permit, { outcome, tookMs, nowMs });
  }

  #note(result: AttemptNote['result']): void {
    const nowMs = this.#engine.clock.nowMs();
    this.tries.push({
      endpointId: this.attempt?.endpoint.id ?? '-',
      startedAfterMs: this.#tryStartedAtMs - this.startedAtMs,
      durationMs: nowMs - this.#tryStartedAtMs,
      result,
    });
  }

  #release(): void {
    this.#dial = undefined;
    this.#releaseBudget();
  }

  #releaseBudget(): void {
    if (!this.#holdsBudget) return;
    this.#holdsBudget = false;
    this.cluster?.budget.release();
  }

  /** A bug ends this connection, never the process or those beside it. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.crashed(thrown);
    }
  }

  get hasCarried(): boolean {
    return this.#pump !== undefined;
  }
}

const short = ['overloaded', 'this proxy is short of memory or time'] as const;
const draining = ['draining', 'this proxy is going away'] as const;
