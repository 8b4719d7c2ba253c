export { Breaker, type BreakerPorts } from './breaker/breaker.ts';
export { type BreakerOptions, defaultBreakerOptions } from './breaker/breaker-options.ts';
export type {
  BreakerListener,
  BreakerReason,
  BreakerReport,
  BreakerState,
} from './breaker/breaker-report.ts';
export {
  defaultEjectionCapOptions,
  EjectionCap,
  type EjectionCapOptions,
} from './breaker/ejection-cap.ts';
export { BreakerOpenError, type BreakerRefusal } from './calls/breaker-open-error.ts';
export {
  CallBreaker,
  type CallBreakerOptions,
  type CallOutcome,
  classifyCall,
  createBreaker,
  type Settled,
} from './calls/call-breaker.ts';
export { type Ports, systemPorts } from './calls/ports.ts';
export { type RetryOptions, retry } from './calls/retry.ts';
export { TimedOutError } from './calls/timed-out-error.ts';
export {
  type TimeoutContext,
  type WithTimeoutOptions,
  withTimeout,
} from './calls/with-timeout.ts';
export {
  defaultHedgeQuantileOptions,
  HedgeDelay,
  type HedgeDelayOptions,
  type HedgeDelayReport,
  type HedgeQuantileOptions,
} from './hedge/hedge-delay.ts';
export { InvalidOptionError } from './invalid-option-error.ts';
export {
  AdaptiveLimiter,
  type AdaptiveLimiterOptions,
  type AdaptiveLimiterReport,
  type LimitedOutcome,
} from './limit/adaptive-limiter.ts';
export { type AimdOptions, aimd } from './limit/aimd.ts';
export type { ConcurrencyAlgorithm, LimitBoundsOptions } from './limit/concurrency-algorithm.ts';
export { Gcra } from './limit/gcra.ts';
export { type GradientOptions, gradient } from './limit/gradient.ts';
export { type Gradient2Options, gradient2 } from './limit/gradient2.ts';
export type { RateLimiter, RateLimiterReport, RateOptions } from './limit/rate-limiter.ts';
export {
  defaultThrottlerOptions,
  Throttler,
  type ThrottlerOptions,
  type ThrottlerReport,
} from './limit/throttler.ts';
export { TokenBucket, type TokenBucketOptions } from './limit/token-bucket.ts';
export { type VegasOptions, vegas } from './limit/vegas.ts';
export {
  type BackoffJitter,
  type BackoffOptions,
  backoffMs,
  checkBackoff,
  retryDelayMs,
} from './retry/backoff.ts';
export {
  decideRetry,
  defaultRetryPolicy,
  isIdempotentMethod,
  type RetryDecision,
  type RetryGround,
  type RetryObstacle,
  type RetryPolicy,
  type RetryQuestion,
} from './retry/decide-retry.ts';
export { parseRetryAfterMs } from './retry/retry-after.ts';
export {
  defaultRetryBudgetOptions,
  RetryBudget,
  type RetryBudgetOptions,
} from './retry/retry-budget.ts';
export {
  defaultRequestTimeouts,
  type RequestTimeouts,
  tryDeadline,
} from './timeout/try-deadline.ts';
