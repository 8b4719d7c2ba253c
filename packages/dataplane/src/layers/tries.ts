/**
 * The innermost layer: chooses an endpoint, sends, and, if that fails and may be repeated, does it
 * again. Every try is settled with breaker and balancer by itself; the layers above see one reply.
 */
import type { BodySink, OutgoingRequest, ResponseHead } from '@leno/http';
import {
  decideRetry,
  isIdempotentMethod,
  parseRetryAfterMs,
  type RetryDecision,
  tryDeadline,
} from '@leno/resilience';
import type { Call } from '../call.ts';
import { type Layer, replyThroughStack } from '../layer.ts';
import type { Reason } from '../reasons.ts';
import { Attempt, type AttemptOwner } from '../tries/attempt.ts';
import { Discard } from '../tries/discard.ts';
import { outcomeOfStatus, ReplyBody } from '../tries/reply-body.ts';
import { RequestBody } from '../tries/request-body.ts';
import { pumpTunnel } from '../tries/tunnel.ts';
import { DEADLINE_FIELD } from './deadline.ts';

export const tries: Layer = {
  name: 'tries',
  enter(call) {
    call.cluster?.budget.deposit(call.engine.clock.nowMs());
    if (call.head.contentLength !== 0) call.body = newBody(call);
    startTry(call);
    // Read only now: who is refused at once is not asked to send (`Expect: 100-continue`).
    if (call.body !== undefined && !call.ended) call.exchange.readBody(call.body);
    return 'stop';
  },
  leave(call) {
    call.retryTimer?.cancel();
    releaseBudget(call);
  },
};

const owner: AttemptOwner = {
  headCame(call, attempt, head) {
    const again = againAfterStatus(call, attempt, head);
    if (again?.kind !== 'retry') return passReply(call, attempt, head);
    attempt.settle(outcomeOfStatus(head.status), { kind: 'reply', status: head.status });
    retryLater(call, again.delayMs);
    return new Discard(call.engine.timers, () => attempt.clientTry?.cancel());
  },

  tunnelCame(call, attempt, head, toPeer) {
    attempt.settle('success', { kind: 'reply', status: head.status });
    call.status = head.status;
    call.boundBySilence(call.engine.clock.nowMs());
    call.rearm();
    replyThroughStack(call, head);
    return pumpTunnel(call, head, toPeer);
  },

  settled: releaseBudget,

  failed(call, reason, unprocessed, detail) {
    const decision = decide(call, { reason, unprocessed, status: 0, retryAfterMs: undefined });
    if (decision.kind === 'retry') retryLater(call, decision.delayMs);
    else call.fail(reason, detail);
  },
};

function newBody(call: Call): RequestBody {
  return new RequestBody(call.policy.replayBytesMax, () => {
    // The exchange tells the call itself, by `onClose`; the try must not be taken for whole.
    call.attempt?.cancel();
  });
}

function startTry(call: Call): void {
  const { cluster, engine } = call;
  if (call.ended || cluster === undefined) return;
  const nowMs = engine.clock.nowMs();
  const picked = cluster.pick(nowMs, call.attempt?.endpoint);
  if (typeof picked === 'string') {
    call.fail(picked, cluster.name);
    return;
  }
  call.tryCount += 1;
  const attempt = new Attempt(call, cluster, picked, owner);
  call.attempt = attempt;
  attempt.deadlineMs = deadlineOfTry(call, nowMs);
  if (call.deadlineMs === Number.POSITIVE_INFINITY) call.boundBySilence(nowMs);
  call.rearm();
  const clientTry = picked.pool.request(outgoing(call, nowMs), attempt);
  attempt.clientTry = clientTry;
  call.body?.attach(clientTry.body);
}

/** Without a word on it, a try is cut short only for the sake of a further one. */
function deadlineOfTry(call: Call, nowMs: number): number {
  const { perTryTimeoutMs, requestTimeoutMs, retry } = call.policy;
  const isHarmless =
    retry.anyMethod ||
    isIdempotentMethod(call.head.method) ||
    call.head.fields.has('idempotency-key');
  return tryDeadline(
    { requestMs: requestTimeoutMs, perTryMs: perTryTimeoutMs },
    retry.onPerTryTimeout && isHarmless && call.tryCount <= retry.retryCountMax,
    call.deadlineMs,
    nowMs,
  );
}

function outgoing(call: Call, nowMs: number): OutgoingRequest {
  const { head } = call;
  if (call.tryCount > 1) head.fields.set('x-leno-attempt', String(call.tryCount));
  // What is left now: a later try has less.
  if (call.direction === 'outbound' && call.deadlineMs !== Number.POSITIVE_INFINITY) {
    const leftMs = Math.max(1, Math.round(call.deadlineMs - nowMs));
    head.fields.set(DEADLINE_FIELD, String(leftMs));
  }
  return {
    method: head.method,
    target: call.target,
    authority: head.authority,
    fields: head.fields,
    contentLength: head.contentLength,
    upgrade: head.upgrade,
  };
}

interface TryEnd {
  readonly reason: Reason | undefined;
  readonly unprocessed: boolean;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
}

/** Asks the engine whether to try again; takes from the budget only if it says yes. */
function decide(call: Call, end: TryEnd): RetryDecision {
  const { cluster, engine, head, policy } = call;
  const nowMs = engine.clock.nowMs();
  const decision = decideRetry({
    method: head.method,
    hasIdempotencyKey: head.fields.has('idempotency-key'),
    replayable: call.body === undefined || call.body.replayable,
    ...end,
    policy: policy.retry,
    retriesMade: call.tryCount - 1,
    deadlineMs: call.deadlineMs,
    nowMs,
    rng: engine.rng,
    admitsBudget: () => cluster?.budget.tryWithdraw(nowMs, cluster.activeCount) ?? false,
  });
  call.notRetriedBecause = decision.kind === 'stop' ? decision.because : undefined;
  return decision;
}

function againAfterStatus(
  call: Call,
  attempt: Attempt,
  head: ResponseHead,
): RetryDecision | undefined {
  const { policy } = call;
  const gateway = head.status >= 502 && head.status <= 504;
  if (!gateway && !policy.retry.statuses.includes(head.status)) return undefined;
  const retryAfter = head.fields.get('retry-after');
  // Believed of a sidecar only, whose certificate has said who it is.
  const unprocessed = attempt.endpoint.body.transport === 'mtls' && saysUnprocessed(head);
  if (unprocessed) attempt.undone();
  return decide(call, {
    reason: undefined,
    unprocessed,
    status: head.status,
    retryAfterMs:
      retryAfter === undefined
        ? undefined
        : parseRetryAfterMs(retryAfter, call.engine.clock.wallMs()),
  });
}

/** Whether the sidecar of the other side says that its application never saw the request. */
function saysUnprocessed(head: ResponseHead): boolean {
  return head.fields.get('proxy-status')?.endsWith('processed=?0') ?? false;
}

function retryLater(call: Call, delayMs: number): void {
  call.body?.detach();
  call.engine.metrics.retried(call);
  call.holdsBudget = true;
  call.retryTimer = call.engine.timers.after(delayMs, () => {
    try {
      startTry(call);
    } catch (thrown) {
      call.crashed(thrown);
    }
  });
}

/** A retry counts against the budget's concurrency until it has ended, its back-off included. */
function releaseBudget(call: Call): void {
  if (!call.holdsBudget) return;
  call.holdsBudget = false;
  call.cluster?.budget.release();
}

function passReply(call: Call, attempt: Attempt, head: ResponseHead): BodySink {
  call.status = head.status;
  call.body?.giveUpReplay();
  attempt.deadlineMs = Number.POSITIVE_INFINITY;
  // A reply without a length may be a stream: the time for a unary call does not bound it.
  if (head.contentLength === undefined) call.boundBySilence(call.engine.clock.nowMs());
  call.rearm();
  replyThroughStack(call, head);
  return new ReplyBody(call, attempt, call.exchange.respond(head));
}
