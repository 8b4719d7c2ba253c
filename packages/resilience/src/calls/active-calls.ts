import type { RetryBudget } from '../retry/retry-budget.ts';

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
