export { AssertionError, assert, unreachable } from './assert.ts';
export { BoundedQueue } from './bounded-queue.ts';
export {
  type Clock,
  systemClock,
  systemHeldTimers,
  systemTimers,
  type TimerHandle,
  type Timers,
} from './clock.ts';
export { CountWindow } from './count-window.ts';
export { type DeadlineMs, deadlineAfter, isExpired, remainingMs } from './deadline.ts';
export { Ewma } from './ewma.ts';
export { codeOf, type Fault, LenoError, messageOf } from './leno-error.ts';
export {
  OptionError,
  type OptionProblem,
  OptionProblems,
  withDefaults,
} from './option-problems.ts';
export { failureCountAt, outcomeRuns, successCountAt } from './outcome-runs.ts';
export { err, ok, type Result } from './result.ts';
export { type Rng, seededRng, systemRng } from './rng.ts';
export { type Unsubscribe, Watch } from './watch.ts';
export { type OutcomeRun, type OutcomeWindow, TimeWindow } from './window.ts';
