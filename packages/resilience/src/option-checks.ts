/**
 * Bounds of options: what an engine is built with is checked once, so that its hot path need not
 * be.
 */
import { InvalidOptionError } from './invalid-option-error.ts';

/** A named number as it was given. */
export interface NamedNumber {
  readonly name: string;
  readonly value: number;
}

/** Throws unless the value is finite and within [min, max]. */
export function checkRange(option: NamedNumber, min: number, max = Number.MAX_SAFE_INTEGER): void {
  const { name, value } = option;
  if (Number.isFinite(value) && value >= min && value <= max) return;
  const bound = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new InvalidOptionError(`${name} must be a finite number ${bound}, not ${value}`);
}

/** Throws unless the value is a whole number within [min, 2⁵³). */
export function checkCount(option: NamedNumber, min: number): void {
  if (Number.isSafeInteger(option.value) && option.value >= min) return;
  throw new InvalidOptionError(
    `${option.name} must be a whole number of at least ${min}, not ${option.value}`,
  );
}

/** Throws unless `low` does not exceed `high`. */
export function checkOrder(low: NamedNumber, high: NamedNumber): void {
  if (low.value <= high.value) return;
  throw new InvalidOptionError(
    `${low.name} (${low.value}) must not exceed ${high.name} (${high.value})`,
  );
}

/** The options, the defaults where nothing is given; an `undefined` counts as nothing. */
export function withDefaults<Options extends object>(
  given: { readonly [Name in keyof Options]?: Options[Name] | undefined },
  defaults: Options,
): Options {
  const options = { ...defaults };
  for (const name of Object.keys(defaults) as (keyof Options)[]) {
    const value = given[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}
