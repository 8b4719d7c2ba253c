/**
 * What people do to a breaker by hand. Functions rather than methods, as a bundle of a program that
 * never does it then goes without them.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Breaker } from './breaker.ts';
import type { BreakerHold } from './breaker-report.ts';

/** Holds that may lie on one breaker: more are a leak. */
const HOLD_COUNT_MAX = 100;

/**
 * Refuses everything until each hold is released, whatever the cap says; then it goes on where it
 * was. Outcomes of calls from before it are dropped. Throws `InvalidOptionError` where a hundred
 * hold already.
 */
export function isolateBreaker(breaker: Breaker, reason: string): BreakerHold {
  const problems = new OptionProblems();
  problems.count('holds', breaker['holds'].length + 1, 1, HOLD_COUNT_MAX);
  problems.throwIfAny(InvalidOptionError);
  const release = (): void => {
    breaker['holds'] = breaker['holds'].filter((other) => other !== hold);
    breaker['lookOver']();
  };
  const hold = { reason, release, [Symbol.dispose]: release };
  breaker['holds'] = [...breaker['holds'], hold];
  breaker['forgetCalls']();
  breaker['lookOver']();
  return hold;
}

/**
 * Opens for that long, then half-opens as after any opening. `openMaxMs` stands in for what is no
 * number of at least 0. False if the cap or the mode `observe` keeps it closed.
 */
export function forceOpenBreaker(breaker: Breaker, forMs: number, nowMs: number): boolean {
  if (breaker['status'] === 'closed' && breaker['isHeld']()) {
    breaker['lookOver']();
    return false;
  }
  breaker['open']('forced', forMs, nowMs);
  return true;
}

/**
 * Closes and begins anew: forgets windows, rows and openings in a row, gives the place under the cap
 * back, and tells `onTransition` the reason `reset` if it was not closed. Outcomes of calls from
 * before it are dropped. The mode and the holds of `isolateBreaker` stay.
 */
export function resetBreaker(breaker: Breaker, nowMs: number): void {
  breaker['forgetCalls']();
  breaker['forgetPast']();
  if (breaker['status'] === 'closed') breaker['lookOver']();
  else breaker['close']('reset', nowMs);
}
