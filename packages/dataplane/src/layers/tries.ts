/**
 * The innermost layer: chooses an endpoint, sends, and, if that fails and may be repeated, does it
 * again. Every try is settled with breaker and balancer by itself; the layers above see one reply.
 */

import type { BodySink, OutgoingRequest, ResponseHead } from '@leno/http';
import { decideRetry, parseRetryAfterMs, type RetryDecision } from '@leno/resilience';
import type { Call } from '../call.ts';
import { DEADLINE_FIELD } from '../claims.ts';
import {
  GRPC_NONE,
  GRPC_UNAVAILABLE,
  grpcStatusOfHttp,
  readGrpcStatus,
  replyNote,
} from '../grpc/grpc-status.ts';
import { formatGrpcTimeout, GRPC_TIMEOUT_FIELD } from '../grpc/grpc-timeout.ts';
import { type Layer, replyThroughStack } from '../layer.ts';
import { grpcStatusOfReason, type Reason } from '../reasons.ts';
import { Attempt, type AttemptOwner } from '../tries/attempt.ts';
import { Discard } from '../tries/discard.ts';
import { outcomeOfReply, ReplyBody } from '../tries/reply-body.ts';
import { RequestBody } from '../tries/request-body.ts';
import { deadlineOfTry } from '../tries/try-deadline.ts';
import { pumpTunnel } from '../tries/tunnel.ts';
import { dropWordsOfMesh } from './identity-headers.ts';

export const tries: Layer = {
  name: 'tries',
  enter(call) {
    call.cluster?.budget.deposit(call.engine.clock.nowMs());
    if (call.head.contentLength !== 0)
      call.body = new RequestBody(call.policy.replayBytesMax, call);
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
    const grpcStatus = call.isGrpc ? grpcStatusOfHead(head) : GRPC_NONE;
    const again = againAfterReply(call, attempt, head, grpcStatus);
    if (again?.kind !== 'retry') {
      call.grpcStatus = grpcStatus;
      return passReply(call, attempt, head);
    }
    const { status } = head;
    attempt.settle(outcomeOfReply(status, grpcStatus), replyNote(status, grpcStatus));
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
    const grpcStatus = call.isGrpc ? grpcStatusOfReason(reason) : GRPC_NONE;
    const retryAfterMs = undefined;
    const decision = decide(call, { reason, unprocessed, status: 0, grpcStatus, retryAfterMs });
    if (decision.kind === 'retry') retryLater(call, decision.delayMs);
    else call.fail(reason, detail);
  },
};

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
  if (call.isStreaming || call.deadlineMs === Number.POSITIVE_INFINITY) call.boundBySilence(nowMs);
  call.rearm();
  const clientTry = picked.pool.request(outgoing(call, nowMs), attempt);
  attempt.clientTry = clientTry;
  call.body?.attach(clientTry.body);
}

function outgoing(call: Call, nowMs: number): OutgoingRequest {
  const { head } = call;
  if (call.leavesMesh) dropWordsOfMesh(head.fields);
  else if (call.tryCount > 1) head.fields.set('x-leno-attempt', String(call.tryCount));
  sayWhatIsLeft(call, nowMs);
  return {
    method: head.method,
    target: call.target,
    authority: head.authority,
    fields: head.fields,
    contentLength: head.contentLength,
    upgrade: head.upgrade,
  };
}

/** The time that is left now: a later try has less. */
function sayWhatIsLeft(call: Call, nowMs: number): void {
  const { fields } = call.head;
  const isFirm = call.firmDeadlineMs !== Number.POSITIVE_INFINITY;
  if (call.isGrpc && isFirm && fields.has(GRPC_TIMEOUT_FIELD)) {
    fields.set(GRPC_TIMEOUT_FIELD, formatGrpcTimeout(call.firmDeadlineMs - nowMs));
  }
  // The time that we give a call of gRPC is for replies that begin, which the other side cannot tell.
  const untilMs = call.isGrpc ? call.firmDeadlineMs : call.deadlineMs;
  const isHeard = call.direction === 'outbound' && !call.leavesMesh;
  if (isHeard && untilMs !== Number.POSITIVE_INFINITY) {
    fields.set(DEADLINE_FIELD, String(Math.max(1, Math.round(untilMs - nowMs))));
  }
}

interface TryEnd {
  readonly reason: Reason | undefined;
  readonly unprocessed: boolean;
  readonly status: number;
  readonly grpcStatus: number;
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

/**
 * The code of a reply that is whole with its head, or is none of gRPC; else `GRPC_NONE` still. Where a
 * body follows, callers hear what trailers say, and nothing that the head says.
 */
function grpcStatusOfHead({ status, fields, contentLength }: ResponseHead): number {
  const told = contentLength === 0 ? readGrpcStatus(fields) : GRPC_NONE;
  return told === GRPC_NONE && status !== 200 ? grpcStatusOfHttp(status) : told;
}

function againAfterReply(
  call: Call,
  attempt: Attempt,
  head: ResponseHead,
  grpcStatus: number,
): RetryDecision | undefined {
  if (!isRetriable(call, head.status, grpcStatus)) return undefined;
  const retryAfter = head.fields.get('retry-after');
  // Believed of a sidecar only, whose certificate has said who it is.
  const unprocessed = attempt.endpoint.body.transport === 'mtls' && saysUnprocessed(head);
  if (unprocessed) attempt.undone();
  return decide(call, {
    reason: undefined,
    unprocessed,
    status: head.status,
    grpcStatus,
    retryAfterMs:
      retryAfter === undefined
        ? undefined
        : parseRetryAfterMs(retryAfter, call.engine.clock.wallMs()),
  });
}

function isRetriable({ policy }: Call, status: number, grpcStatus: number): boolean {
  const { statuses, grpcStatuses } = policy.retry;
  if ((status >= 502 && status <= 504) || statuses.includes(status)) return true;
  if (grpcStatus === GRPC_NONE) return false;
  return grpcStatus === GRPC_UNAVAILABLE || grpcStatuses?.includes(grpcStatus) === true;
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
  const { minorVersion, fields } = call.head;
  const isOpenEnded =
    call.isGrpc && head.contentLength === undefined && minorVersion === 1 && fields.has('te');
  call.reply = new ReplyBody(call, attempt, call.exchange.respond(head), isOpenEnded);
  return call.reply;
}
