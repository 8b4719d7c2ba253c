export { Breaker } from './breaker/breaker.ts';
export {
  type BreakerEngineOptions,
  type BreakerMode,
  type BreakerOptions,
} from './breaker/breaker-options.ts';
export type { BreakerPorts } from './breaker/breaker-ports.ts';
export type {
  BreakerHold,
  BreakerListener,
  BreakerReason,
  BreakerReport,
  BreakerSnapshot,
  BreakerState,
  CallOutcome,
  RateReport,
  TripReason,
} from './breaker/breaker-report.ts';
export { defaultBreakerOptions } from './breaker/default-breaker-options.ts';
export {
  defaultEjectionCapOptions,
  EjectionCap,
  type EjectionCapOptions,
} from './breaker/ejection-cap.ts';
export { explainBreaker, restoreBreaker, snapshotBreaker } from './breaker/explain-breaker.ts';
export {
  type FailureRateOptions,
  failureRate,
  type RateWindowOptions,
} from './breaker/failure-rate.ts';
export { forceOpenBreaker, isolateBreaker, resetBreaker } from './breaker/operate-breaker.ts';
export { parseSnapshot } from './breaker/parse-snapshot.ts';
export type { RateTerms } from './breaker/rate-terms.ts';
export type { RateTrigger } from './breaker/rate-trigger.ts';
export { type SlowRateOptions, slowRate } from './breaker/slow-rate.ts';
export { anyOf, consecutive, type Trigger } from './breaker/trigger.ts';
export { lastCalls, lastMs, type WindowSize } from './breaker/window-size.ts';
export {
  type AdaptiveConcurrencyOptions,
  adaptiveConcurrency,
  classifyForLimit,
} from './calls/adaptive-concurrency.ts';
export { BreakerOpenError, type BreakerRefusal } from './calls/breaker-open-error.ts';
export { breakerPolicy } from './calls/breaker-policy.ts';
export { Bulkhead, type BulkheadOptions, bulkhead } from './calls/bulkhead.ts';
export { BulkheadFullError, type BulkheadRefusal } from './calls/bulkhead-full-error.ts';
export type { CallOptions, ObservedCall } from './calls/call.ts';
export {
  CallBreaker,
  type CallBreakerOptions,
  classifyCall,
  createBreaker,
} from './calls/call-breaker.ts';
export type { CallEnding } from './calls/call-ending.ts';
export { ConcurrencyLimitedError } from './calls/concurrency-limited-error.ts';
export { type FallbackOptions, fallback } from './calls/fallback.ts';
export type { CallContext, CallFunction } from './calls/frame.ts';
export { type HedgeOptions, hedge } from './calls/hedge.ts';
export { JudgedError, type Judgement } from './calls/judged-error.ts';
export { Pipeline, type PipelineOptions, pipeline } from './calls/pipeline.ts';
export { Policy, type PolicyDescription } from './calls/policy.ts';
export { type Ports, systemPorts } from './calls/ports.ts';
export { type RateLimitOptions, rateLimit } from './calls/rate-limit.ts';
export { RateLimitedError } from './calls/rate-limited-error.ts';
export { type RefusedBy, RefusedError } from './calls/refused-error.ts';
export { type RetryNotice, type RetryOptions, retry } from './calls/retry.ts';
export type { CallFailure, FailureKind, Settled } from './calls/settled.ts';
export { type StandardOptions, standard } from './calls/standard.ts';
export { type ThrottleOptions, throttle } from './calls/throttle.ts';
export { ThrottledError } from './calls/throttled-error.ts';
export { TimedOutError } from './calls/timed-out-error.ts';
export { type TimeoutOptions, timeout } from './calls/timeout.ts';
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
export { OutlierDetector, type OutlierPorts } from './outlier/outlier-detector.ts';
export {
  defaultOutlierOptions,
  type EnforceRatios,
  type OutlierOptions,
  type OutlierReason,
} from './outlier/outlier-options.ts';
export type {
  OutlierCounts,
  OutlierEndpoint,
  OutlierEndpointReport,
  OutlierEvent,
  OutlierOutcome,
  OutlierReport,
  RateJudgement,
  RestoreReason,
} from './outlier/outlier-report.ts';
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
  type RetryBudgetReport,
} from './retry/retry-budget.ts';
export {
  defaultRequestTimeouts,
  type RequestTimeouts,
  tryDeadline,
} from './timeout/try-deadline.ts';
