import type { OptionProblems } from '@leno/std';
import { RateGauge } from './rate-gauge.ts';
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

/** Of terms that came from somebody who may be wrong. */
export function rateTrigger(terms: RateTerms): RateTrigger {
  return { ...soundRateTrigger(terms), check: (problems) => checkTerms(problems, terms) };
}

/** Of terms that are known to be right. */
export function soundRateTrigger(terms: RateTerms): RateTrigger {
  return { ...terms, gauge: (known) => new RateGauge(terms, known), check() {} };
}

function checkTerms(problems: OptionProblems, terms: RateTerms): void {
  const { over, requestCountMin, rateMax, successRateMin } = terms;
  problems.range('over', over.size, Math.min(10, over.countMax));
  problems.count('requestCountMin', requestCountMin, 1, over.countMax);
  problems.range('rateMax', rateMax, Number.MIN_VALUE, 1);
  problems.range('successRateMin', successRateMin, 0, 1);
}
