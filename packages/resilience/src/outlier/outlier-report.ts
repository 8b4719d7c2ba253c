import type { OutlierReason } from './outlier-options.ts';

/** An endpoint as its detector knows it; made by `add`. */
export interface OutlierEndpoint {
  readonly name: string;
}

/**
 * What a call says of an endpoint. It answered: `success`, `error` (5xx) or `gateway-error` (502,
 * 503, 504, which is an error too). It did not: `local-failure` (connecting, a reset, a timeout).
 * `local-success` only says that it was reached.
 */
export type OutlierOutcome =
  | 'success'
  | 'error'
  | 'gateway-error'
  | 'local-success'
  | 'local-failure';

/** Why an endpoint came back. */
export type RestoreReason = 'elapsed' | 'health-check' | 'over-cap' | 'removed';

/** What happened to an endpoint; `spared` was detected but not ejected. */
export type OutlierEvent =
  | {
      readonly kind: 'ejected';
      readonly endpoint: OutlierEndpoint;
      readonly because: OutlierReason;
      readonly atMs: number;
      readonly untilMs: number;
    }
  | {
      readonly kind: 'spared';
      readonly endpoint: OutlierEndpoint;
      readonly because: OutlierReason;
      readonly by: 'enforcement' | 'cap';
      readonly atMs: number;
    }
  | {
      readonly kind: 'restored';
      readonly endpoint: OutlierEndpoint;
      readonly because: RestoreReason;
      readonly atMs: number;
    };

/** How often each reason was found. */
export type OutlierCounts = { readonly [Reason in OutlierReason]: number };

/** The rates of the last interval that was judged. */
export interface RateJudgement {
  /** Endpoints with enough requests. */
  readonly endpointCount: number;
  readonly mean: number;
  /** Population standard deviation. */
  readonly deviation: number;
  /** Below it an endpoint is an outlier. */
  readonly threshold: number;
}

/** Everything that a detector knows of an endpoint. */
export interface OutlierEndpointReport {
  readonly name: string;
  readonly isEjected: boolean;
  /** 0 unless it is ejected. */
  readonly retryAfterMs: number;
  /** Why it was ejected last; absent if never. */
  readonly reason: OutlierReason | undefined;
  /** Ejections in a row, less one for each interval that went well since. */
  readonly ejectionFactor: number;
  readonly consecutiveErrorCount: number;
  readonly consecutiveGatewayErrorCount: number;
  readonly consecutiveLocalFailureCount: number;
  /** Of the running interval. */
  readonly requestCount: number;
  readonly successCount: number;
}

/** Everything that a detector knows, for people who ask why. */
export interface OutlierReport {
  readonly ejectedCount: number;
  readonly detectedCounts: OutlierCounts;
  /** Those that were carried out. */
  readonly enforcedCounts: OutlierCounts;
  /** Those that the cap forbade. */
  readonly overCapCount: number;
  /** Endpoints since the start that came beyond `endpointCountMax` and are not watched. */
  readonly unwatchedCount: number;
  /** Absent until enough endpoints had enough requests. */
  readonly successRate: RateJudgement | undefined;
  readonly localSuccessRate: RateJudgement | undefined;
  readonly endpoints: readonly OutlierEndpointReport[];
}
