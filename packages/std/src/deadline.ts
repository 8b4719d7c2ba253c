/**
 * A point of monotonic time by which something must be done, as a plain number of milliseconds, so
 * that it costs nothing to hold. `Infinity` is no deadline.
 */
export type DeadlineMs = number;

/** The deadline `timeoutMs` from now; a timeout of 0 means none, as in Gateway API. */
export function deadlineAfter(nowMs: number, timeoutMs: number): DeadlineMs {
  return timeoutMs <= 0 ? Number.POSITIVE_INFINITY : nowMs + timeoutMs;
}

/** What is left, never below 0. */
export function remainingMs(deadline: DeadlineMs, nowMs: number): number {
  return Math.max(0, deadline - nowMs);
}

/** Whether the deadline has come: at the very millisecond it has. */
export function isExpired(deadline: DeadlineMs, nowMs: number): boolean {
  return nowMs >= deadline;
}
