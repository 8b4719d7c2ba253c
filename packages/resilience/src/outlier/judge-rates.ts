/**
 * Who is an outlier by the rates of an interval, after Envoy's detector:
 * - success rate: rate < mean − deviations · σ, with the population's σ over all endpoints that had
 *   enough requests;
 * - failure ratio: 1 − rate ≥ the bound, whatever the others do.
 * The worst come first, so that where not all may leave it is they who do.
 */
import type { EndpointState, IntervalCounts } from './endpoint-state.ts';
import type { CompleteOutlierOptions } from './outlier-options.ts';
import type { RateJudgement } from './outlier-report.ts';

/** Of which counts: what endpoints answered, or whether they were reached. */
export type Origin = 'external' | 'local';

/** Endpoints in order, the worst first. */
export interface RateOutliers {
  readonly judgement: RateJudgement | undefined;
  readonly bySuccessRate: readonly EndpointState[];
  readonly byFailureRatio: readonly EndpointState[];
}

/** Judges the endpoints that are in. Changes nothing. */
export function judgeRates(
  endpoints: Iterable<EndpointState>,
  origin: Origin,
  options: CompleteOutlierOptions,
): RateOutliers {
  const present = [...endpoints]
    .filter((it) => !it.isOut && it[origin].totalCount > 0)
    .sort((one, other) => rateOf(one[origin]) - rateOf(other[origin]));
  const compared = present.filter(
    (it) => it[origin].totalCount >= options.successRateRequestCountMin,
  );
  const judgement = judgementOf(
    compared.map((it) => rateOf(it[origin])),
    options,
  );
  const { failureRatioMax, failureRatioEndpointCountMin, failureRatioRequestCountMin } = options;
  const judged = present.filter((it) => it[origin].totalCount >= failureRatioRequestCountMin);
  return {
    judgement,
    bySuccessRate: judgement
      ? compared.filter((it) => rateOf(it[origin]) < judgement.threshold - EPSILON)
      : [],
    byFailureRatio:
      judged.length >= failureRatioEndpointCountMin
        ? judged.filter((it) => 1 - rateOf(it[origin]) >= failureRatioMax - EPSILON)
        : [],
  };
}

function judgementOf(
  rates: readonly number[],
  options: CompleteOutlierOptions,
): RateJudgement | undefined {
  const endpointCount = rates.length;
  if (endpointCount === 0 || endpointCount < options.successRateEndpointCountMin) return undefined;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / endpointCount;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / endpointCount;
  const deviation = Math.sqrt(variance);
  const threshold = mean - options.successRateDeviations * deviation;
  return { endpointCount, mean, deviation, threshold };
}

function rateOf({ successCount, totalCount }: IntervalCounts): number {
  return successCount / totalCount;
}

/** Keeps equal rates from lying below their own mean, where floating point may put them. */
const EPSILON = 1e-9;
