import { type DeadlineMs, deadlineAfter } from '@leno/std';

/** Times that bound one request; 0 is none. */
export interface RequestTimeouts {
  /** Over all tries. */
  readonly requestMs: number;
  /** Of each try; absent is half of `requestMs` while a further try is allowed, else all of it. */
  readonly perTryMs?: number | undefined;
}

/** 15 s over all tries. */
export const defaultRequestTimeouts: RequestTimeouts = { requestMs: 15_000 };

/**
 * When a try that starts at `nowMs` must have answered; never after the request's own deadline,
 * which alone counts where there is no time per try.
 */
export function tryDeadline(
  timeouts: RequestTimeouts,
  allowsFurtherTry: boolean,
  requestDeadlineMs: DeadlineMs,
  nowMs: number,
): DeadlineMs {
  const { requestMs, perTryMs = allowsFurtherTry ? requestMs / 2 : 0 } = timeouts;
  return Math.min(requestDeadlineMs, deadlineAfter(nowMs, perTryMs));
}
