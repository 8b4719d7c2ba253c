import type { OptionProblems } from '@leno/std';
import type { RateGauge } from './rate-gauge.ts';
import type { RateTerms } from './rate-terms.ts';

/**
 * A share of outcomes that trips. It brings what counts it and what checks it, so that a bundle
 * without such triggers goes without that code.
 */
export interface RateTrigger extends RateTerms {
  /** Begins to count for one breaker; goes on from `known` if that counts the same. */
  gauge(known: RateGauge | undefined): RateGauge;
  /** Notes what a breaker cannot work with. */
  check(problems: OptionProblems): void;
}

/** Notes what of the terms of somebody who may be wrong no breaker can work with. */
export function checkTerms(problems: OptionProblems, terms: RateTerms): void {
  const { over, requestCountMin, rateMax, successRateMin } = terms;
  problems.range('over', over.size, Math.min(10, over.countMax));
  problems.count('requestCountMin', requestCountMin, 1, over.countMax);
  problems.range('rateMax', rateMax, Number.MIN_VALUE, 1);
  problems.range('successRateMin', successRateMin, 0, 1);
}
