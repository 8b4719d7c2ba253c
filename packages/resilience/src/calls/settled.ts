import type { RefusedError } from './refused-error.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** The closed union of how a call can end; what `settle` gives instead of throwing. */
export type Settled<T> =
  | { readonly kind: 'returned'; readonly value: T }
  /** What the function threw, unchanged. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** By a breaker, bulkhead, limiter or throttler: the call was not made. */
  | { readonly kind: 'refused'; readonly error: RefusedError }
  | { readonly kind: 'timed-out'; readonly error: TimedOutError }
  /** The caller's own signal. */
  | { readonly kind: 'aborted'; readonly reason: unknown };
