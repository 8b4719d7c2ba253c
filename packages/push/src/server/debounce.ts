/**
 * When a change is fanned out (push protocol R4). Each class waits for a quiet moment, but no longer
 * than its maximum: an endpoint that is gone hurts at once, an edited route can wait for the rest
 * of the edit. All classes leave together, with the first that is due.
 */

/** How urgent a change is: an endpoint went, an endpoint came, anything else. */
export type ChangeClass = 'urgent' | 'added' | 'normal';

interface Pending {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}
/** The changes that wait; plain data. */
export type DebounceState = Readonly<Partial<Record<ChangeClass, Pending>>>;

const windows = {
  urgent: { quietMs: 1, maxMs: 5 },
  added: { quietMs: 20, maxMs: 200 },
  normal: { quietMs: 50, maxMs: 1_000 },
} as const satisfies Record<ChangeClass, { quietMs: number; maxMs: number }>;

/** A change of this class has just happened. */
export function noteChange(
  state: DebounceState,
  change: ChangeClass,
  nowMs: number,
): DebounceState {
  const firstAtMs = state[change]?.firstAtMs ?? nowMs;
  return { ...state, [change]: { firstAtMs, lastAtMs: nowMs } };
}

/**
 * When the fan-out is due; `Infinity` if nothing waits. A fan-out that takes long stretches the
 * quiet time of all that is not urgent, so that a busy server batches more.
 */
export function fanOutDueMs(state: DebounceState, lastFanOutMs: number): number {
  let dueMs = Number.POSITIVE_INFINITY;
  for (const change of ['urgent', 'added', 'normal'] as const) {
    const pending = state[change];
    if (pending === undefined) continue;
    const { quietMs, maxMs } = windows[change];
    const quiet = change === 'urgent' ? quietMs : Math.max(quietMs, lastFanOutMs);
    dueMs = Math.min(dueMs, pending.firstAtMs + maxMs, pending.lastAtMs + quiet);
  }
  return dueMs;
}
