import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** Why an endpoint is an outlier. */
export type OutlierReason =
  | 'consecutive-errors'
  | 'consecutive-gateway-errors'
  | 'consecutive-local-failures'
  | 'success-rate'
  | 'failure-ratio'
  | 'local-success-rate'
  | 'local-failure-ratio';

/** All of them. */
export const OUTLIER_REASONS: readonly OutlierReason[] = [
  'consecutive-errors',
  'consecutive-gateway-errors',
  'consecutive-local-failures',
  'success-rate',
  'failure-ratio',
  'local-success-rate',
  'local-failure-ratio',
];

/** A share from 0 to 1 for each reason. */
export type EnforceRatios = { readonly [Reason in OutlierReason]: number };

/**
 * When an endpoint is ejected and for how long. What is not given, or undefined, is as in
 * `defaultOutlierOptions`; values out of range throw `InvalidOptionError`.
 */
export interface OutlierOptions {
  /** Errors in a row that detect an outlier; reached, not exceeded. 0 is off. Default 5. */
  readonly consecutiveErrors?: number | undefined;
  /** The same of gateway errors alone; any other outcome resets. 0 is off. Default 5. */
  readonly consecutiveGatewayErrors?: number | undefined;
  /** The same of local failures; only with `splitLocalOrigin`. 0 is off. Default 5. */
  readonly consecutiveLocalFailures?: number | undefined;
  /**
   * Whether failures to reach the endpoint are judged apart from what it answers; otherwise they
   * are gateway errors. Default false.
   */
  readonly splitLocalOrigin?: boolean | undefined;
  /** How often rates are judged, each time over the interval that ended. At least 1; default 10 s. */
  readonly intervalMs?: number | undefined;
  /** How long the n-th ejection in a row lasts, times n. At least 1; default 30 s. */
  readonly ejectionMs?: number | undefined;
  /** Where that stops growing. At least `ejectionMs`; default 300 s or `ejectionMs`. */
  readonly ejectionMaxMs?: number | undefined;
  /** Up to so much is added at random to each ejection, beyond the maximum too. Default 0. */
  readonly ejectionJitterMs?: number | undefined;
  /** Endpoints with enough requests before success rates are compared. Default 5. */
  readonly successRateEndpointCountMin?: number | undefined;
  /** Requests of an endpoint in the interval before its success rate counts. Default 100. */
  readonly successRateRequestCountMin?: number | undefined;
  /** An outlier lies more than so many standard deviations below the mean. Default 1.9. */
  readonly successRateDeviations?: number | undefined;
  /** Share of failures, 0 to 1, that is an outlier by itself; reached (`>=`). Default 0.85. */
  readonly failureRatioMax?: number | undefined;
  /** Endpoints with enough requests before failure ratios are judged. Default 5. */
  readonly failureRatioEndpointCountMin?: number | undefined;
  /** Requests of an endpoint in the interval before its failure ratio counts. Default 50. */
  readonly failureRatioRequestCountMin?: number | undefined;
  /**
   * The share of detections per reason that are carried out, drawn at random; at 0 outliers are
   * only counted. Default 1, but 0 for `consecutive-gateway-errors` and both failure ratios.
   */
  readonly enforceRatios?: Partial<EnforceRatios> | undefined;
  /** Endpoints that are watched at all; more than these are never ejected. Default 10 000. */
  readonly endpointCountMax?: number | undefined;
}

/** The same with nothing left open. */
export type CompleteOutlierOptions = {
  readonly [Name in Exclude<keyof OutlierOptions, 'enforceRatios'>]-?: Exclude<
    OutlierOptions[Name],
    undefined
  >;
} & { readonly enforceRatios: EnforceRatios };

/** Envoy's. */
export const defaultOutlierOptions: CompleteOutlierOptions = {
  consecutiveErrors: 5,
  consecutiveGatewayErrors: 5,
  consecutiveLocalFailures: 5,
  splitLocalOrigin: false,
  intervalMs: 10_000,
  ejectionMs: 30_000,
  ejectionMaxMs: 300_000,
  ejectionJitterMs: 0,
  successRateEndpointCountMin: 5,
  successRateRequestCountMin: 100,
  successRateDeviations: 1.9,
  failureRatioMax: 0.85,
  failureRatioEndpointCountMin: 5,
  failureRatioRequestCountMin: 50,
  enforceRatios: {
    'consecutive-errors': 1,
    'consecutive-gateway-errors': 0,
    'consecutive-local-failures': 1,
    'success-rate': 1,
    'failure-ratio': 0,
    'local-success-rate': 1,
    'local-failure-ratio': 0,
  },
  endpointCountMax: 10_000,
};

/** Fills in what is optional and checks every value. Never touches what it was given. */
export function completeOutlierOptions(given: OutlierOptions): CompleteOutlierOptions {
  const { enforceRatios: givenRatios = {}, ...rest } = given;
  const ratios = withDefaults(givenRatios, defaultOutlierOptions.enforceRatios);
  const { enforceRatios: _, ...defaults } = defaultOutlierOptions;
  // A longer base without a word on the maximum lifts the maximum.
  const longest = Math.max(defaults.ejectionMaxMs, given.ejectionMs ?? 0);
  const options = withDefaults(rest, { ...defaults, ejectionMaxMs: longest });
  const problems = new OptionProblems();
  checkCounts(problems, options);
  problems.range('intervalMs', options.intervalMs, 1);
  problems.range('ejectionMs', options.ejectionMs, 1);
  problems.range('ejectionMaxMs', options.ejectionMaxMs, 1);
  const { ejectionMs, ejectionMaxMs } = options;
  problems.check(
    !(ejectionMs > ejectionMaxMs),
    'ejectionMs',
    ejectionMs,
    'not exceed ejectionMaxMs',
  );
  problems.range('ejectionJitterMs', options.ejectionJitterMs, 0);
  problems.range('successRateDeviations', options.successRateDeviations, 0);
  problems.range('failureRatioMax', options.failureRatioMax, 0, 1);
  for (const reason of OUTLIER_REASONS) {
    problems.range(`enforceRatios.${reason}`, ratios[reason], 0, 1);
  }
  problems.throwIfAny(InvalidOptionError);
  return { ...options, enforceRatios: ratios };
}

const COUNTS = [
  ['consecutiveErrors', 0],
  ['consecutiveGatewayErrors', 0],
  ['consecutiveLocalFailures', 0],
  ['successRateEndpointCountMin', 0],
  ['successRateRequestCountMin', 1],
  ['failureRatioEndpointCountMin', 0],
  ['failureRatioRequestCountMin', 1],
  ['endpointCountMax', 1],
] as const;

function checkCounts(
  problems: OptionProblems,
  options: Omit<CompleteOutlierOptions, 'enforceRatios'>,
): void {
  for (const [name, min] of COUNTS) problems.count(name, options[name], min);
}
