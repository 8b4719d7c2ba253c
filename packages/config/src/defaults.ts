/**
 * What Leno does where nothing is configured: the whole table of defaults in one place. Whoever
 * needs one reads it from here; nothing else in the project writes these numbers down.
 */
import type {
  BalancerBody,
  BreakerBody,
  LimitsBody,
  RetryBudgetBody,
} from './model/traffic-policy.ts';

type Full<T> = { readonly [K in keyof T]-?: NonNullable<T[K]> };

/** The table of defaults. Times are milliseconds, sizes bytes, shares from 0 to 1. */
export interface Defaults {
  readonly retry: {
    /** Retries after the first try. */
    readonly retries: number;
    readonly backoffBaseMs: number;
    readonly backoffMaxMs: number;
  };
  readonly budget: Full<RetryBudgetBody> & {
    /** Concurrent retries that are always allowed. */
    readonly concurrentMin: number;
    /** Concurrent retries per active request. */
    readonly concurrentRatio: number;
  };
  readonly timeouts: {
    /** Over all tries of a unary call. */
    readonly requestMs: number;
    /** Without a per-try timeout, a try gets the request timeout divided by this while one more is allowed. */
    readonly perTryDivisor: number;
    readonly connectMs: number;
    /** Of streams and upgrades. */
    readonly idleMs: number;
    /** Of TCP connections of which only bytes are known; Envoy's hour. */
    readonly tcpIdleMs: number;
  };
  readonly balancer: Full<BalancerBody>;
  readonly breaker: Full<BreakerBody>;
  /** Below this share of admitting endpoints, all are tried. */
  readonly panicRatio: number;
  readonly limits: Full<LimitsBody>;
  /** How long an upstream connection may be unused. */
  readonly poolIdleMs: number;
  readonly requestHead: { readonly headerCountMax: number; readonly bytesMax: number };
  readonly requestIdLengthMax: number;
  readonly consistentHash: { readonly maglevTableSize: number };
  readonly certificates: {
    readonly leafTtlMs: number;
    readonly demoLeafTtlMs: number;
    /** Share of the life after which a certificate is renewed. */
    readonly renewRatio: number;
    readonly renewJitterRatio: number;
    /** Renewal is retried once per window: this, or this share of the life, whichever is less. */
    readonly retryWindowMs: number;
    readonly retryWindowLifeRatio: number;
    /** Shares of life left at which an alarm is raised. */
    readonly alarmLifeRatios: readonly number[];
  };
  readonly drainDeadlineMs: number;
  /** `windowMs` 0 is off; `windowWhenOnMs` is what "on" means without a number. */
  readonly slowStart: {
    readonly windowMs: number;
    readonly windowWhenOnMs: number;
    readonly initialRatio: number;
  };
  readonly traceRatio: number;
  readonly accessLog: { readonly successEvery: number; readonly slowMs: number };
  readonly egress: 'deny';
}

/** The defaults; semantics and reasons are in the README. */
export const defaults: Defaults = {
  retry: { retries: 2, backoffBaseMs: 25, backoffMaxMs: 250 },
  budget: {
    ratio: 0.2,
    perSecondMin: 10,
    windowMs: 10_000,
    concurrentMin: 3,
    concurrentRatio: 0.2,
  },
  timeouts: {
    requestMs: 15_000,
    perTryDivisor: 2,
    connectMs: 1_000,
    idleMs: 300_000,
    tcpIdleMs: 3_600_000,
  },
  balancer: { kind: 'peakEwma', decayMs: 10_000, initialMs: 30 },
  breaker: {
    consecutiveFailures: 5,
    successRateMin: 0.8,
    windowMs: 10_000,
    requestCountMin: 20,
    openMs: 1_000,
    openMaxMs: 60_000,
    ejectionRatioMax: 0.5,
    failFast: false,
  },
  panicRatio: 0.5,
  limits: { connectionCountMax: 1_024, pendingCountMax: 1_024, requestCountMax: 1_024 },
  poolIdleMs: 60_000,
  requestHead: { headerCountMax: 100, bytesMax: 61_440 },
  requestIdLengthMax: 128,
  consistentHash: { maglevTableSize: 65_537 },
  certificates: {
    leafTtlMs: 86_400_000,
    demoLeafTtlMs: 3_600_000,
    renewRatio: 2 / 3,
    renewJitterRatio: 0.05,
    retryWindowMs: 30_000,
    retryWindowLifeRatio: 0.1,
    alarmLifeRatios: [1 / 3, 1 / 10],
  },
  drainDeadlineMs: 30_000,
  slowStart: { windowMs: 0, windowWhenOnMs: 30_000, initialRatio: 0.1 },
  traceRatio: 0.01,
  accessLog: { successEvery: 100, slowMs: 1_000 },
  egress: 'deny',
};
