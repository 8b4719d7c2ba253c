import { expect, test } from 'vitest';
import { grpcStatusOfReason, reasonCodes } from './reasons.ts';

test('each reason as gRPC says it', () => {
  const said = Object.fromEntries(reasonCodes.map((code) => [code, grpcStatusOfReason(code)]));
  expect(said).toEqual({
    'no-route': 12,
    'no-endpoint': 14,
    'breaker-open': 14,
    overflow: 14,
    'connect-failed': 14,
    'upstream-reset': 14,
    'upstream-protocol': 14,
    'request-timeout': 4,
    'per-try-timeout': 4,
    'connect-timeout': 14,
    'rate-limited': 8,
    denied: 7,
    unauthenticated: 16,
    'bad-request': 13,
    'head-too-large': 8,
    'body-too-large': 8,
    misdirected: 2,
    'fault-injected': 14,
    'invalid-backend': 14,
    draining: 14,
    'client-gone': 1,
    'client-timeout': 1,
    overloaded: 14,
    'upstream-identity': 14,
    'filter-failed': 13,
  });
});
