/**
 * One try of a call: from the choice of an endpoint to a head, a failure, or a cancellation. It
 * settles breaker and balancer exactly once and tells the call what became of it.
 */
import type {
  BodySink,
  ClientTry,
  FieldList,
  ResponseHead,
  TryEvents,
  TryFailure,
} from '@leno/http';
import type { AttemptNote } from '@leno/telemetry';
import type { Call } from '../call.ts';
import type { Reason } from '../reasons.ts';
import type { Cluster, TryOutcome } from '../upstream/cluster.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { inertBody } from './inert-body.ts';

/** What the retry layer does with the news of a try. */
export interface AttemptOwner {
  /** A whole head came. The sink that is returned takes the body. */
  headCame(call: Call, attempt: Attempt, head: ResponseHead): BodySink;
  /** 101 or a 2xx to CONNECT. */
  tunnelCame(call: Call, attempt: Attempt, head: ResponseHead, toPeer: BodySink): BodySink;
  /** The try is over, however it went. */
  settled(call: Call): void;
  /** No head will come. */
  failed(call: Call, reason: Reason, unprocessed: boolean, detail: string): void;
}

/** A client gets no more, however many tries there are; the codec ends a try that sends more. */
const INTERIM_COUNT_MAX = 16;

type TimeoutReason = 'per-try-timeout' | 'request-timeout';

const cancelled: AttemptNote['result'] = {
  kind: 'failure',
  reason: 'client-gone',
  unprocessed: false,
  detail: 'given up',
};
const timeouts: Readonly<Record<TimeoutReason, AttemptNote['result']>> = {
  'per-try-timeout': timeoutNote('per-try-timeout'),
  'request-timeout': timeoutNote('request-timeout'),
};

function timeoutNote(reason: string): AttemptNote['result'] {
  return { kind: 'failure', reason, unprocessed: false, detail: 'no reply in time' };
}

export class Attempt implements TryEvents {
  readonly endpoint: Endpoint;
  /** Set right after `pool.request` has returned; no event comes before. */
  clientTry: ClientTry | undefined;
  /** When this try is given up; `Infinity` if only the call's deadline bounds it. */
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #call: Call;
  readonly #owner: AttemptOwner;
  readonly #cluster: Cluster;
  readonly #permit: number;
  readonly #startedAtMs: number;
  /** Whether no try before this one can have reached an application. */
  readonly #unprocessedBefore: boolean;
  #headAtMs = Number.NaN;
  #sent = false;
  #settled = false;

  constructor(call: Call, cluster: Cluster, endpoint: Endpoint, owner: AttemptOwner) {
    const nowMs = call.engine.clock.nowMs();
    this.endpoint = endpoint;
    this.#call = call;
    this.#owner = owner;
    this.#cluster = cluster;
    this.#startedAtMs = nowMs;
    this.#unprocessedBefore = call.unprocessed;
    this.#permit = cluster.started(endpoint, nowMs);
  }

  onSent(): void {
    this.#sent = true;
    this.#call.unprocessed = false;
    // Inbound, the peer that counts is the caller, whose socket has told already.
    if (this.#call.direction === 'inbound') return;
    this.#call.transport = this.endpoint.body.transport === 'mtls' ? 'mtls' : 'plain';
  }

  onInterim(status: number, fields: FieldList): void {
    // The codec has answered `Expect` by itself: a 100 from further on would be a second one.
    if (!this.#current || status === 100) return;
    const call = this.#call;
    if (call.interimCount >= INTERIM_COUNT_MAX) return;
    call.interimCount += 1;
    call.exchange.interim(status, fields);
  }

  onHead(head: ResponseHead): BodySink {
    this.#headAtMs = this.#call.engine.clock.nowMs();
    try {
      return this.#owner.headCame(this.#call, this, head);
    } catch (thrown) {
      this.#call.crashed(thrown);
      return inertBody;
    }
  }

  onTunnel(head: ResponseHead, toPeer: BodySink): BodySink {
    try {
      return this.#owner.tunnelCame(this.#call, this, head, toPeer);
    } catch (thrown) {
      toPeer.abort('the proxy failed');
      this.#call.crashed(thrown);
      return inertBody;
    }
  }

  onFailure(failure: TryFailure): void {
    // An overflow is our own limit: it says nothing about the endpoint.
    const { reason, unprocessed, detail: why } = failure;
    this.settle(reason === 'overflow' ? 'ignored' : 'failure', {
      kind: 'failure',
      reason,
      unprocessed,
      detail: why,
    });
    if (!this.#current) return;
    if (unprocessed) this.undone();
    this.#tellFailed(reason, unprocessed, `${why} (${this.endpoint.id})`);
  }

  /** It is proved that this try reached no application; those before it may have. */
  undone(): void {
    this.#call.unprocessed = this.#unprocessedBefore;
  }

  /** Tells breaker and balancer how it went, and notes it. Only the first call counts. */
  settle(outcome: TryOutcome, result: AttemptNote['result'] = cancelled): void {
    if (this.#settled) return;
    this.#settled = true;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#call.engine.clock.nowMs();
    const note: AttemptNote = {
      endpointId: this.endpoint.id,
      startedAfterMs: this.#startedAtMs - this.#call.startedAtMs,
      durationMs: nowMs - this.#startedAtMs,
      result,
    };
    const { tries } = this.#call;
    this.#call.tries = tries.length === 0 ? [note] : [...tries, note];
    this.#call.engine.metrics.tried(this.#call, outcome, result);
    this.#owner.settled(this.#call);
    // The head says how fast an endpoint is; a stream of an hour would make it look an hour slow.
    const answeredAtMs = Number.isNaN(this.#headAtMs) ? nowMs : this.#headAtMs;
    const tookMs = answeredAtMs - this.#startedAtMs;
    this.#cluster.ended(this.endpoint, this.#permit, { outcome, tookMs, nowMs });
  }

  /** Sets when it is given up, unless that is settled. */
  bound(deadlineMs: number): void {
    if (!this.#settled && Number.isNaN(this.#headAtMs)) this.deadlineMs = deadlineMs;
  }

  /** The time of this try is over, but not that of the call. */
  expire(nowMs: number): void {
    if (nowMs < this.deadlineMs || this.#settled) return;
    this.timedOut('per-try-timeout');
    const tookMs = Math.round(nowMs - this.#startedAtMs);
    const detail = `no reply after ${tookMs} ms (${this.endpoint.id})`;
    this.#tellFailed('per-try-timeout', !this.#sent, detail);
  }

  /** Given up because of the time it took: the endpoint's failure, unless the client had the word. */
  timedOut(reason: TimeoutReason): void {
    const isClientSlow = this.#call.body?.awaitsClient === true;
    this.settle(isClientSlow ? 'ignored' : 'failure', timeouts[reason]);
    this.clientTry?.cancel();
  }

  /** Given up for a reason that says nothing about the endpoint. */
  cancel(): void {
    this.settle('ignored');
    this.clientTry?.cancel();
  }

  #tellFailed(reason: Reason, unprocessed: boolean, detail: string): void {
    try {
      this.#owner.failed(this.#call, reason, unprocessed, detail);
    } catch (thrown) {
      this.#call.crashed(thrown);
    }
  }

  get #current(): boolean {
    return this.#call.attempt === this && !this.#call.ended;
  }
}
