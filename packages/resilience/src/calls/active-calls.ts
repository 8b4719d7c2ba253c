import type { OptionProblems } from '@leno/std';
import type { RetryBudget } from '../retry/retry-budget.ts';
import { checkPart } from './check-part.ts';

/** How many calls are under way that share a budget: what its concurrency is measured by. */
export interface ActiveCalls {
  count: number;
}

const byBudget = new WeakMap<RetryBudget, ActiveCalls>();

/** One and the same for all policies that share the budget. */
export function activeCallsOf(budget: RetryBudget): ActiveCalls {
  let active = byBudget.get(budget);
  if (active === undefined) {
    active = { count: 0 };
    byBudget.set(budget, active);
  }
  return active;
}

/** Notes what is given as a budget and is none. */
export function checkBudget(problems: OptionProblems, budget: RetryBudget | undefined): void {
  if (budget === undefined) return;
  const must = 'be a RetryBudget';
  checkPart(problems, 'budget', { value: budget, method: 'tryWithdraw', must });
}
