import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decideRetry,
  defaultRetryPolicy,
  type RetryDecision,
  type RetryPolicy,
  type RetryQuestion,
} from './decide-retry.ts';

const question: RetryQuestion = {
  method: 'GET',
  hasIdempotencyKey: false,
  replayable: true,
  reason: undefined,
  unprocessed: false,
  status: 0,
  retryAfterMs: undefined,
  policy: defaultRetryPolicy,
  retriesMade: 0,
  deadlineMs: Number.POSITIVE_INFINITY,
  nowMs: 1_000,
  rng: () => 0.5,
  admitsBudget: () => true,
};

type Change = Partial<Omit<RetryQuestion, 'policy'>> & { readonly policy?: Partial<RetryPolicy> };

function decide({ policy, ...change }: Change): RetryDecision {
  return decideRetry({ ...question, ...change, policy: { ...defaultRetryPolicy, ...policy } });
}

const post = { method: 'POST' };
const reset = { reason: 'upstream-reset' };
const overflow = { reason: 'overflow', unprocessed: true };
const slow = { reason: 'per-try-timeout' };
const grpc = (grpcStatus: number) => ({ status: 200, grpcStatus });
const unavailable = grpc(14);
const naming = (...grpcStatuses: number[]) => ({ grpcStatuses });

test.each<[string, Change, RetryDecision['because']]>([
  ['a reset, idempotent', reset, 'idempotent-method'],
  ['a reset, POST', { ...post, ...reset }, 'not-retryable'],
  ['a reset, POST, provably unprocessed', { ...post, ...reset, unprocessed: true }, 'unprocessed'],
  ['a reset, POST with a key', { ...post, ...reset, hasIdempotencyKey: true }, 'idempotency-key'],
  ['a reset, POST, any method', { ...post, ...reset, policy: { anyMethod: true } }, 'any-method'],
  ['a reset, PATCH', { method: 'PATCH', ...reset }, 'not-retryable'],
  ['a reset, `get`', { method: 'get', ...reset }, 'not-retryable'],
  ['no connection, POST', { ...post, reason: 'connect-failed', unprocessed: true }, 'unprocessed'],
  [
    'connecting slow, POST',
    { ...post, reason: 'connect-timeout', unprocessed: true },
    'unprocessed',
  ],
  ['the wrong peer', { ...post, reason: 'upstream-identity', unprocessed: true }, 'unprocessed'],
  ['a malformed reply', { reason: 'upstream-protocol' }, 'idempotent-method'],
  ['502', { status: 502 }, 'idempotent-method'],
  ['503', { status: 503 }, 'idempotent-method'],
  ['504', { status: 504 }, 'idempotent-method'],
  ['503, POST', { ...post, status: 503 }, 'not-retryable'],
  [
    '503, POST, that says it was not processed',
    { ...post, status: 503, unprocessed: true },
    'unprocessed',
  ],
  ['500', { status: 500 }, 'not-retryable'],
  ['501', { status: 501 }, 'not-retryable'],
  ['505', { status: 505 }, 'not-retryable'],
  ['429', { status: 429 }, 'not-retryable'],
  ['403 that was not processed', { status: 403, unprocessed: true }, 'not-retryable'],
  ['429 by policy', { status: 429, policy: { statuses: [429] } }, 'idempotent-method'],
  ['429 by policy, POST', { ...post, status: 429, policy: { statuses: [429] } }, 'not-retryable'],
  ['a slow try, no policy', { reason: 'per-try-timeout' }, 'not-retryable'],
  ['a slow try, unprocessed', { reason: 'per-try-timeout', unprocessed: true }, 'not-retryable'],
  [
    'a slow try by policy',
    { reason: 'per-try-timeout', policy: { onPerTryTimeout: true } },
    'idempotent-method',
  ],
  [
    'a slow POST by policy',
    { ...post, reason: 'per-try-timeout', policy: { onPerTryTimeout: true } },
    'not-retryable',
  ],
  ['gRPC UNAVAILABLE', { ...post, ...unavailable }, 'not-retryable'],
  [
    'gRPC UNAVAILABLE that says it was not processed',
    { ...post, ...unavailable, unprocessed: true },
    'unprocessed',
  ],
  [
    'gRPC UNAVAILABLE with a key',
    { ...post, ...unavailable, hasIdempotencyKey: true },
    'idempotency-key',
  ],
  ['gRPC UNAVAILABLE by policy', { ...post, ...unavailable, policy: naming(14) }, 'grpc-status'],
  [
    'another gRPC code than the policy names',
    { ...post, ...grpc(8), policy: naming(14) },
    'not-retryable',
  ],
  ['gRPC INTERNAL, unprocessed', { ...post, ...grpc(13), unprocessed: true }, 'not-retryable'],
  ['gRPC INTERNAL by policy', { ...post, ...grpc(13), policy: naming(1, 13) }, 'grpc-status'],
  [
    'a reset that gRPC calls UNAVAILABLE, by policy',
    { ...post, ...reset, grpcStatus: 14, policy: naming(14) },
    'grpc-status',
  ],
  ['our own limit in gRPC', { ...overflow, grpcStatus: 14, policy: naming(14) }, 'not-retryable'],
  [
    'a slow try of gRPC by policy',
    { ...post, ...slow, grpcStatus: 4, policy: { ...naming(4), onPerTryTimeout: true } },
    'grpc-status',
  ],
  ['a slow try of gRPC', { ...post, ...slow, grpcStatus: 4, policy: naming(4) }, 'not-retryable'],
  ['no gRPC, whatever the policy', { ...post, status: 200, policy: naming(14) }, 'not-retryable'],
  ['our own limit', { reason: 'overflow', unprocessed: true }, 'not-retryable'],
  ['open breakers', { reason: 'breaker-open', unprocessed: true }, 'not-retryable'],
  ['time is up', { reason: 'request-timeout' }, 'not-retryable'],
  ['a code unknown here', { reason: 'toString' }, 'not-retryable'],
  ['a body that is gone', { ...reset, replayable: false }, 'body'],
  ['a body gone, unprocessed', { ...reset, unprocessed: true, replayable: false }, 'body'],
  ['the first retry', { ...reset, retriesMade: 0 }, 'idempotent-method'],
  ['the second retry', { ...reset, retriesMade: 1 }, 'idempotent-method'],
  ['the third retry', { ...reset, retriesMade: 2 }, 'limit'],
  ['no retries', { ...reset, policy: { retryCountMax: 0 } }, 'limit'],
  ['time for the wait', { ...reset, deadlineMs: 1_013 }, 'idempotent-method'],
  ['no time for the wait', { ...reset, deadlineMs: 1_012.5 }, 'deadline'],
  ['no budget', { ...reset, admitsBudget: () => false }, 'budget'],
])('%s', (_, change, because) => {
  const decision = decide(change);
  expect(decision.because).toBe(because);
  const grounds = [
    'unprocessed',
    'idempotent-method',
    'idempotency-key',
    'any-method',
    'grpc-status',
  ];
  expect(decision.kind).toBe(grounds.includes(because) ? 'retry' : 'stop');
});

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])(
  'RFC 9110 §9.2.2: %s is idempotent',
  (method) => {
    expect(decide({ method, status: 503 }).kind).toBe('retry');
  },
);

test.each([
  { change: { retriesMade: 0 }, delayMs: 12.5 },
  { change: { retriesMade: 1 }, delayMs: 25 },
  { change: { retryAfterMs: 60 }, delayMs: 60 },
  { change: { retryAfterMs: 9_000 }, delayMs: 250 },
])('waits $delayMs ms', ({ change, delayMs }) => {
  expect(decide({ status: 503, ...change })).toMatchObject({ kind: 'retry', delayMs });
});

test('property: the budget is asked exactly when it alone decides', () => {
  const anyQuestion = fc.record({
    method: fc.constantFrom('GET', 'POST'),
    hasIdempotencyKey: fc.boolean(),
    replayable: fc.boolean(),
    reason: fc.constantFrom(undefined, 'upstream-reset', 'overflow', 'per-try-timeout'),
    unprocessed: fc.boolean(),
    status: fc.constantFrom(0, 429, 500, 503),
    retriesMade: fc.nat(3),
    deadlineMs: fc.constantFrom(1_001, 1_100, Number.POSITIVE_INFINITY),
    admits: fc.boolean(),
  });
  fc.assert(
    fc.property(anyQuestion, ({ admits, ...change }) => {
      let askedCount = 0;
      const admitsBudget = (): boolean => {
        askedCount += 1;
        return admits;
      };
      const { because } = decide({ ...change, admitsBudget });
      const isLeftToBudget = !['not-retryable', 'body', 'limit', 'deadline'].includes(because);
      expect(askedCount).toBe(isLeftToBudget ? 1 : 0);
      expect(because === 'budget').toBe(isLeftToBudget && !admits);
    }),
  );
});

test('decorrelated waits grow by the one before, as far as the cap', () => {
  const policy = { baseMs: 10, maxMs: 1_000, jitter: 'decorrelated' as const };
  const delays = [undefined, 20, 100, 900].map((previousDelayMs) => {
    const decision = decide({ ...reset, policy, previousDelayMs });
    return decision.kind === 'retry' ? decision.delayMs : -1;
  });
  // Half way from the base to three times the one before, or to the cap.
  expect(delays).toEqual([20, 35, 155, 505]);
});
