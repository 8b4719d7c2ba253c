/** The pipeline that suits most calls to a service. */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { type Bulkhead, type BulkheadOptions, bulkhead } from './bulkhead.ts';
import { CallBreaker, type CallBreakerOptions, createBreaker } from './call-breaker.ts';
import { type HedgeOptions, hedge } from './hedge.ts';
import { type Pipeline, pipeline } from './pipeline.ts';
import type { Policy } from './policy.ts';
import { type RetryOptions, retry } from './retry.ts';
import { timeout } from './timeout.ts';

/** Options of `standard`; `false` leaves a policy out. */
export interface StandardOptions {
  /** Of the service, for errors. Default `unnamed`. */
  readonly name?: string | undefined;
  /** Over all attempts. Default 15 s; 0 is none. */
  readonly timeoutMs?: number | undefined;
  /** Of each attempt; at most `timeoutMs`. Default half of that; 0 is none. */
  readonly perTryMs?: number | undefined;
  /** Default: as `retry` has it, two retries within `budget`. */
  readonly retry?: Omit<RetryOptions, 'budget'> | false | undefined;
  /** Of retries and hedges together. Default: one of its own, 20 % and 10/s. */
  readonly budget?: RetryBudget | undefined;
  /** Default none: hedging is for reads. */
  readonly hedge?: Omit<HedgeOptions, 'budget'> | undefined;
  /** Default: a breaker of its own, as `createBreaker` has it. */
  readonly breaker?: CallBreaker | CallBreakerOptions | false | undefined;
  /** Default: 1 024 calls at work, 1 024 waiting. */
  readonly bulkhead?: Bulkhead | BulkheadOptions | false | undefined;
}

/**
 * timeout over all › retry within a budget › hedge, if asked for › breaker › bulkhead › timeout per
 * try. In this order, because: a retry must not outlive the caller's patience; the breaker must see
 * every attempt, and its refusals must not be tried again; who waits in the bulkhead has not begun
 * its time yet. One for each service: it holds the state of the breaker, bulkhead and budget.
 */
export function standard(options: StandardOptions = {}): Pipeline {
  const { name = 'unnamed', timeoutMs = 15_000, perTryMs = timeoutMs / 2 } = options;
  const problems = new OptionProblems();
  const isWithin = timeoutMs === 0 || (perTryMs > 0 && perTryMs <= timeoutMs) || perTryMs === 0;
  problems.check(isWithin, 'perTryMs', perTryMs, `be at most timeoutMs, ${timeoutMs}`);
  problems.throwIfAny(InvalidOptionError);
  const { budget = new RetryBudget({}) } = options;
  const policies: (Policy | CallBreaker)[] = [timeout(timeoutMs)];
  if (options.retry !== false) policies.push(retry({ ...options.retry, budget }));
  if (options.hedge !== undefined) policies.push(hedge({ ...options.hedge, budget }));
  if (options.breaker !== false) policies.push(breakerOf(options.breaker, name));
  if (options.bulkhead !== false) policies.push(bulkheadOf(options.bulkhead, name));
  return pipeline(...policies, timeout(perTryMs));
}

function breakerOf(given: CallBreaker | CallBreakerOptions | undefined, name: string): CallBreaker {
  return given instanceof CallBreaker ? given : createBreaker({ name, ...given });
}

function bulkheadOf(given: Bulkhead | BulkheadOptions | undefined, name: string): Policy {
  if (given !== undefined && 'describe' in given) return given;
  return bulkhead({ limit: 1_024, queueCountMax: 1_024, name, ...given });
}
