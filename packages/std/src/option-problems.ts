/**
 * Bounds of options: whoever takes options checks them all once, where they come in, and says
 * everything that is wrong with them at once. Hot paths then need not look.
 */
import { LenoError } from './leno-error.ts';

/** One option that cannot be worked with. */
export interface OptionProblem {
  /** Which one, as `breaker.halfOpen.permits`. */
  readonly path: string;
  readonly value: unknown;
  /** What it must be. */
  readonly must: string;
}

/** Collects what is wrong. `list` is in the order of the checks. */
export class OptionProblems {
  readonly list: OptionProblem[] = [];
  readonly #prefix: string;

  /** `prefix` stands before every path: `''`, or `retry.` */
  constructor(prefix = '') {
    this.#prefix = prefix;
  }

  /** Notes a problem unless `isGood`. */
  check(isGood: boolean, path: string, value: unknown, must: string): void {
    if (!isGood) this.list.push({ path: this.#prefix + path, value, must });
  }

  /** A finite number within [min, max]. */
  range(path: string, value: number, min: number, max = Number.POSITIVE_INFINITY): void {
    const must = `be a finite number from ${min} to ${max}`;
    this.check(Number.isFinite(value) && value >= min && value <= max, path, value, must);
  }

  /** A whole number within [min, max]. */
  count(path: string, value: number, min: number, max?: number): void {
    if (Number.isInteger(value)) this.range(path, value, min, max);
    else this.check(false, path, value, 'be a whole number');
  }

  /** One of these words. */
  oneOf(path: string, value: unknown, words: readonly unknown[]): void {
    this.check(words.includes(value), path, value, `be one of ${words.join(', ')}`);
  }

  /** Throws the error that `make` makes of these problems, if there are any. */
  throwIfAny(make: new (problems: OptionProblems) => OptionError): void {
    if (this.list.length > 0) throw new make(this);
  }

  /** One line for all: `openMs must be …, not -1; windowMs must be …, not NaN`. */
  get message(): string {
    return this.list
      .map(({ path, value, must }) => {
        const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
        return `${path} must ${must}, not ${text}`;
      })
      .join('; ');
  }
}

/** The root of every package's own error for options that it cannot work with. */
export abstract class OptionError extends LenoError {
  readonly fault = 'mesh';
  /** Every problem, in the order of the checks; at least one. */
  readonly problems: readonly OptionProblem[];

  constructor(problems: OptionProblems) {
    super(problems.message);
    this.problems = problems.list;
  }
}

/** The options, the defaults where nothing is given; an `undefined` counts as nothing. */
export function withDefaults<Options extends object>(
  given: { readonly [Name in keyof Options]?: Options[Name] | undefined },
  defaults: Options,
): Options {
  const options = { ...defaults };
  // Of the copy: what it has it has itself.
  for (const name in options) {
    const value = given[name];
    if (value !== undefined) options[name] = value;
  }
  return options;
}
