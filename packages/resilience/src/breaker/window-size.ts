/** How far back a share looks. */
import { CountWindow, OptionProblems, TimeWindow } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** Made by `lastMs` and `lastCalls`. */
export interface WindowSize {
  readonly size: number;
  /** How many outcomes it can hold. */
  readonly countMax: number;
  make(): TimeWindow | CountWindow;
}

/** The outcomes of the last `windowMs`, at least 10, in ten buckets. */
export function lastMs(windowMs: number): WindowSize {
  return {
    size: windowMs,
    countMax: Number.POSITIVE_INFINITY,
    make: () => new TimeWindow(windowMs),
  };
}

/**
 * The last `windowCount` outcomes, whenever they came, a byte each. Throws `InvalidOptionError`
 * unless it is a whole number from 1 to 1 000 000.
 */
export function lastCalls(windowCount: number): WindowSize {
  const problems = new OptionProblems();
  problems.count('windowCount', windowCount, 1, 1_000_000);
  problems.throwIfAny(InvalidOptionError);
  return {
    size: windowCount,
    countMax: windowCount,
    make: () => new CountWindow(windowCount),
  };
}
