import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** What somebody gave as a part of a policy. */
interface Part {
  readonly value: unknown;
  /** The method that tells such parts from everything else. */
  readonly method: string;
  /** What it must be. */
  readonly must: string;
}

/**
 * Notes what is no such part, options in place of the engine say. Types tell it sooner; without
 * them, it would be told by a TypeError of every call.
 */
export function checkPart(problems: OptionProblems, path: string, part: Part): void {
  const { value, method, must } = part;
  const given = typeof value === 'object' && value !== null ? value : {};
  const isPart = typeof (given as Record<string, unknown>)[method] === 'function';
  problems.check(isPart, path, value, must);
}

/**
 * Throws for what an adapter cannot work through. A breaker by itself, above all: it tells the
 * functions of its calls nothing, and so would fail each of them, and open.
 */
export function checkPolicy(policy: unknown): void {
  const problems = new OptionProblems();
  const must = 'be a policy, of a breaker pipeline(breaker)';
  checkPart(problems, 'policy', { value: policy, method: 'stage', must });
  problems.throwIfAny(InvalidOptionError);
}
