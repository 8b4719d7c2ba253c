/**
 * The innermost layer: chooses an endpoint, sends, and, if that fails and may be repeated, does it
 * again. Every try is settled with breaker and balancer by itself; the layers above see one reply.
 */
import type { BodySink, OutgoingRequest, ResponseHead } from '@leno/http';
import { decideRetry, parseRetryAfterMs, type RetryDecision, tryDeadline } from '@leno/resilience';
import type { Call } from '../call.ts';
import type { Reason } from '../reasons.ts';
import { type Layer, replyThroughStack } from '../stack.ts';
import { Attempt, type AttemptOwner } from '../tries/attempt.ts';
import { discard, outcomeOfStatus, ReplyBody } from '../tries/reply-body.ts';
import { RequestBody } from '../tries/request-body.ts';
import { pumpTunnel } from '../tries/tunnel.ts';

export const tries: Layer = {
  name: 'tries',
  enter(call) {
    call.cluster?.budget.deposit(call.engine.clock.nowMs());
    if (call.head.contentLength !== 0) prepareBody(call);
    startTry(call);
    return 'stop';
  },
  leave: releaseBudget,
};

const owner: AttemptOwner = {
  headCame(call, attempt, head) {
    const again = againAfterStatus(call, head);
    if (again?.kind === 'retry') {
      attempt.settle(outcomeOfStatus(head.status), { kind: 'reply', status: head.status });
      retryLater(call, again.delayMs);
      return discard;
    }
    return passReply(call, attempt, head);
  },

  tunnelCame(call, attempt, head, toPeer) {
    attempt.settle('success', { kind: 'reply', status: head.status });
    call.status = head.status;
    call.deadlineMs = Number.POSITIVE_INFINITY;
    call.engine.wheel.cancel(call);
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

function prepareBody(call: Call): void {
  const body = new RequestBody(call.policy.replayBytesMax, () => {
    // The exchange tells the call itself, by `onClose`; the try must not be taken for whole.
    call.attempt?.cancel();
  });
  call.body = body;
  call.exchange.readBody(body);
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
  const { perTryTimeoutMs, requestTimeoutMs, retry } = call.policy;
  attempt.deadlineMs = tryDeadline(
    { requestMs: requestTimeoutMs, perTryMs: perTryTimeoutMs },
    call.tryCount <= retry.retryCountMax,
    call.deadlineMs,
    nowMs,
  );
  engine.wheel.schedule(call, Math.min(call.deadlineMs, attempt.deadlineMs));
  const clientTry = picked.pool.request(outgoing(call), attempt);
  attempt.clientTry = clientTry;
  call.body?.attach(clientTry.body);
}

function outgoing(call: Call): OutgoingRequest {
  const { head } = call;
  if (call.tryCount > 1) head.fields.set('x-leno-attempt', String(call.tryCount));
  return {
    method: head.method,
    target: head.target,
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

function againAfterStatus(call: Call, head: ResponseHead): RetryDecision | undefined {
  const { policy } = call;
  const gateway = head.status >= 502 && head.status <= 504;
  if (!gateway && !policy.retry.statuses.includes(head.status)) return undefined;
  const retryAfter = head.fields.get('retry-after');
  return decide(call, {
    reason: undefined,
    unprocessed: call.transport === 'mtls' && saysUnprocessed(head),
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
  call.engine.timers.after(delayMs, () => startTry(call));
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
  if (head.contentLength === undefined) call.deadlineMs = Number.POSITIVE_INFINITY;
  call.engine.wheel.schedule(call, call.deadlineMs);
  replyThroughStack(call, head);
  return new ReplyBody(call, attempt, call.exchange.respond(head));
}
