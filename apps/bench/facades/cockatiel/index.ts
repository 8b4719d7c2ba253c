/**
 * Our policies behind the API of cockatiel 4: for running its test suite against them, and as a
 * sketch of a migration. They map, they do not mimic: where ours decides otherwise on purpose (an
 * abort ends the call at once, half-open refuses rather than queues), they do too. The README of
 * the folder above says how to see what that comes to.
 */
export * from './backoff.ts';
export { BulkheadPolicy, bulkhead } from './bulkhead-policy.ts';
export { CircuitBreakerPolicy, circuitBreaker } from './circuit-breaker-policy.ts';
export * from './errors.ts';
export { FallbackPolicy, fallback } from './fallback-policy.ts';
export {
  handleAll,
  handleResultType,
  handleType,
  handleWhen,
  handleWhenResult,
} from './handled-endings.ts';
export { NoopPolicy, noop } from './noop-policy.ts';
export { RetryPolicy, retry } from './retry-policy.ts';
export { TimeoutPolicy, TimeoutStrategy, timeout } from './timeout-policy.ts';
export {
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  SamplingBreaker,
} from './triggered-breaker.ts';
export { usePolicy } from './use-policy.ts';
export { wrap } from './wrap.ts';
