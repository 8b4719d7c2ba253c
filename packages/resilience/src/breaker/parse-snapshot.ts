import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { BreakerSnapshot } from './breaker-report.ts';

/**
 * What `snapshotBreaker` gave, after a way through storage or the network. Throws `InvalidOptionError` for
 * what no breaker can have given; ignores what a later version may have added.
 */
export function parseSnapshot(value: unknown): BreakerSnapshot {
  const problems = new OptionProblems('snapshot.');
  const { openForMs, openingCount, consecutiveFailureCount, rates } = fieldsOf(value);
  if (openForMs !== null) problems.range('openForMs', Number(openForMs), 0);
  problems.count('openingCount', Number(openingCount), 0);
  problems.count('consecutiveFailureCount', Number(consecutiveFailureCount), 0);
  problems.check(Array.isArray(rates) && rates.every(isRate), 'rates', rates, 'be lists of runs');
  problems.throwIfAny(InvalidOptionError);
  return value as BreakerSnapshot;
}

function isRate(rate: unknown): boolean {
  const { runs } = fieldsOf(rate);
  return Array.isArray(runs) && runs.every(isRun);
}

function isRun(run: unknown): boolean {
  return (
    Array.isArray(run) && run.length === 3 && run.every((it) => Number.isFinite(it) && it >= 0)
  );
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
