/**
 * Whether a failed try may be followed by another. The rule, in order:
 * 1. The kind of failure must be one that another try can mend: connecting, a connection that
 *    broke, a gateway status (502, 503, 504; in gRPC `UNAVAILABLE`) or one that the policy names,
 *    or, if the policy says so, a try that timed out. Refusals of our own (limits, open breakers,
 *    draining) never are.
 * 2. Doing it twice must be harmless: it is proved that nothing was processed, or the method is
 *    idempotent (RFC 9110 §9.2.2), or there is an `Idempotency-Key`, or the policy allows it. Every
 *    call of gRPC is a POST, so that a policy allows it by naming the code.
 * 3. The request must still be there to be sent again.
 * 4. There must be a retry left, time left to wait for it, and, asked last, budget left.
 */
import type { DeadlineMs, Rng } from '@leno/std';
import { askedDelayMs, type BackoffOptions, backoffMs } from './backoff.ts';

/** How retries are made. */
export interface RetryPolicy extends BackoffOptions {
  /** Retries after the first try. */
  readonly retryCountMax: number;
  /** Statuses that are retried beside 502, 503 and 504. */
  readonly statuses: readonly number[];
  /**
   * gRPC codes after which a call of gRPC is sent again, processed or not: those of replies, and
   * those by which its caller would learn of a try that failed. Default none.
   */
  readonly grpcStatuses?: readonly number[] | undefined;
  /** Whether a try that timed out by itself is followed by another. */
  readonly onPerTryTimeout: boolean;
  /** Treats every method as harmless to repeat. */
  readonly anyMethod: boolean;
}

/** Two retries, 25 ms doubling to 250 ms; no further status, no timeouts, no unsafe method. */
export const defaultRetryPolicy: RetryPolicy = {
  retryCountMax: 2,
  baseMs: 25,
  maxMs: 250,
  statuses: [],
  onPerTryTimeout: false,
  anyMethod: false,
};

/** Everything that the decision rests on. */
export interface RetryQuestion {
  /** Of the request, as sent; methods are case-sensitive. */
  readonly method: string;
  readonly hasIdempotencyKey: boolean;
  /** Whether the whole request, body included, can be sent again. */
  readonly replayable: boolean;
  /**
   * The reason code of a try without a reply; undefined if a reply came. Retried are
   * `connect-failed`, `connect-timeout`, `upstream-reset`, `upstream-protocol`, `upstream-identity`
   * and, by policy, `per-try-timeout`; any other code is not.
   */
  readonly reason: string | undefined;
  /** It is proved that the other side processed nothing of this try. */
  readonly unprocessed: boolean;
  /** Of the reply; 0 if none came. */
  readonly status: number;
  /**
   * For a call of gRPC: the code of the reply, or the one that stands for `reason`. Absent or
   * below 0 for everything else.
   */
  readonly grpcStatus?: number | undefined;
  /** What the reply asked for, see `parseRetryAfterMs`. Honoured up to `policy.maxMs`. */
  readonly retryAfterMs: number | undefined;
  readonly policy: RetryPolicy;
  /** Retries made so far; 0 after the first try. */
  readonly retriesMade: number;
  /**
   * The `delayMs` of the decision before; absent after the first try. Only `decorrelated`, which
   * does not grow without it, looks at it.
   */
  readonly previousDelayMs?: number | undefined;
  /** Of the request over all tries; a retry that could only start at it or later is not made. */
  readonly deadlineMs: DeadlineMs;
  readonly nowMs: number;
  readonly rng: Rng;
  /**
   * Takes one retry from the budget, or says no. Called at most once, and only if all else agrees.
   */
  readonly admitsBudget: () => boolean;
}

/** The decision and its ground, for the record. */
export type RetryDecision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly because: RetryGround }
  | { readonly kind: 'stop'; readonly because: RetryObstacle };

/** Why sending it twice is harmless. */
export type RetryGround =
  | 'unprocessed'
  | 'idempotent-method'
  | 'idempotency-key'
  | 'any-method'
  | 'grpc-status';

/** What stands against a retry; `body` is a request that can no longer be sent again. */
export type RetryObstacle = 'not-retryable' | 'body' | 'limit' | 'deadline' | 'budget';

const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const BROKEN_TRY_REASONS = new Set([
  'connect-failed',
  'connect-timeout',
  'upstream-reset',
  'upstream-protocol',
  'upstream-identity',
]);

/** https://grpc.io/docs/guides/status-codes: the one that says that a later try may well succeed. */
const UNAVAILABLE = 14;

/** Whether RFC 9110 §9.2.2 calls the method idempotent. Case-sensitive, as methods are. */
export function isIdempotentMethod(method: string): boolean {
  return IDEMPOTENT_METHODS.has(method);
}

/**
 * Decides by the rule above. Pure but for `rng` and `admitsBudget`, drawn only when they matter.
 */
export function decideRetry(question: RetryQuestion): RetryDecision {
  const ground = isMendable(question) ? harmlessBecause(question) : undefined;
  if (ground === undefined) return { kind: 'stop', because: 'not-retryable' };
  if (!question.replayable) return { kind: 'stop', because: 'body' };
  const { policy, retriesMade, nowMs } = question;
  if (retriesMade >= policy.retryCountMax) return { kind: 'stop', because: 'limit' };
  const ownMs = backoffMs(retriesMade + 1, policy, question.rng, question.previousDelayMs);
  const delayMs = Math.max(ownMs, askedDelayMs(policy, question.retryAfterMs));
  if (nowMs + delayMs >= question.deadlineMs) return { kind: 'stop', because: 'deadline' };
  if (!question.admitsBudget()) return { kind: 'stop', because: 'budget' };
  return { kind: 'retry', delayMs, because: ground };
}

function isMendable(question: RetryQuestion): boolean {
  const { reason, status, policy } = question;
  if (reason === 'per-try-timeout') return policy.onPerTryTimeout;
  if (reason !== undefined) return BROKEN_TRY_REASONS.has(reason);
  if (question.grpcStatus === UNAVAILABLE || isNamedGrpcStatus(question)) return true;
  return (status >= 502 && status <= 504) || policy.statuses.includes(status);
}

function harmlessBecause(question: RetryQuestion): RetryGround | undefined {
  if (question.unprocessed) return 'unprocessed';
  if (isIdempotentMethod(question.method)) return 'idempotent-method';
  if (question.hasIdempotencyKey) return 'idempotency-key';
  if (question.policy.anyMethod) return 'any-method';
  return isNamedGrpcStatus(question) ? 'grpc-status' : undefined;
}

function isNamedGrpcStatus({ grpcStatus, policy }: RetryQuestion): boolean {
  return grpcStatus !== undefined && (policy.grpcStatuses?.includes(grpcStatus) ?? false);
}
