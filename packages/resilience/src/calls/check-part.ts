import type { OptionProblems } from '@leno/std';

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
