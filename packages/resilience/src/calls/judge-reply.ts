/** What HTTP says of how an attempt ended: for the breaker, and for whether to try again. */
import { codeOf } from '@leno/std';
import type { CallOutcome } from '../breaker/breaker-report.ts';
import { decideRetry, defaultRetryPolicy, isIdempotentMethod } from '../retry/decide-retry.ts';
import { parseRetryAfterMs } from '../retry/retry-after.ts';
import { JudgedError } from './judged-error.ts';

/** Options of the HTTP adapters. */
export interface ReplyRules {
  /** What a status says of the service. Default `classifyStatus`. */
  readonly classify?: ((status: number) => CallOutcome) | undefined;
  /** Statuses that are tried again beside 502, 503 and 504. Default none. */
  readonly retryStatuses?: readonly number[] | undefined;
  /** Treats every method as harmless to repeat. Default false. */
  readonly anyMethod?: boolean | undefined;
}

/** A request, as far as it matters for repeating it. */
export interface Repetition {
  readonly method: string;
  readonly hasIdempotencyKey: boolean;
  /** Whether the body, if there is one, can be sent again. */
  readonly isReplayable: boolean;
}

/** From 500 on a failure; 429 lowers the rate only; everything else is a success. */
export function classifyStatus(status: number): CallOutcome {
  if (status === 429) return 'rateOnly';
  return status >= 500 ? 'failure' : 'success';
}

/** Whether it may be sent twice though nobody knows what became of the first time. */
export function isHarmless(request: Repetition, { anyMethod = false }: ReplyRules): boolean {
  const { method, hasIdempotencyKey, isReplayable } = request;
  return isReplayable && (anyMethod || hasIdempotencyKey || isIdempotentMethod(method));
}

/** A reply: undefined if it is good. */
export function judgeReply(
  request: Repetition,
  rules: ReplyRules,
  reply: { readonly status: number; readonly retryAfter: string | undefined; readonly it: unknown },
  wallMs: number,
): JudgedError | undefined {
  const { status, retryAfter, it } = reply;
  const outcome = (rules.classify ?? classifyStatus)(status);
  if (outcome === 'success') return undefined;
  const askedMs = retryAfter === undefined ? 0 : (parseRetryAfterMs(retryAfter, wallMs) ?? 0);
  // Without the time of the reply, a date says nothing.
  const retryAfterMs = Number.isNaN(askedMs) ? 0 : askedMs;
  const isRepeatable = isWorthAnother(request, rules, {
    status,
    reason: undefined,
    unprocessed: false,
  });
  return new JudgedError({ outcome, isRepeatable, retryAfterMs, status, reply: it });
}

/** An attempt without a reply. */
export function judgeThrown(request: Repetition, rules: ReplyRules, thrown: unknown): JudgedError {
  const unprocessed = isUnconnected(thrown);
  const reason = unprocessed ? 'connect-failed' : 'upstream-reset';
  const isRepeatable = isWorthAnother(request, rules, { status: 0, reason, unprocessed });
  return new JudgedError({ outcome: 'failure', isRepeatable, retryAfterMs: 0, cause: thrown });
}

interface Ended {
  readonly status: number;
  readonly reason: string | undefined;
  readonly unprocessed: boolean;
}

function isWorthAnother(request: Repetition, rules: ReplyRules, ended: Ended): boolean {
  const { retryStatuses: statuses = [], anyMethod = false } = rules;
  const decision = decideRetry({
    method: request.method,
    hasIdempotencyKey: request.hasIdempotencyKey,
    replayable: request.isReplayable,
    ...ended,
    // How often and when is for the pipeline to say.
    policy: { ...defaultRetryPolicy, statuses, anyMethod },
    retryAfterMs: undefined,
    retriesMade: 0,
    deadlineMs: Number.POSITIVE_INFINITY,
    nowMs: 0,
    rng: () => 0,
    admitsBudget: () => true,
  });
  return decision.kind === 'retry';
}

/** Codes of Node, undici and Bun that prove that no connection was there to send anything on. */
const UNCONNECTED = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['UND_ERR_CONNECT_TIMEOUT', 'ConnectionRefused'],
]);

function isUnconnected(thrown: unknown): boolean {
  if (UNCONNECTED.has(codeOf(thrown))) return true;
  return thrown instanceof Error && UNCONNECTED.has(codeOf(thrown.cause));
}
