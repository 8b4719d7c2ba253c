import type { RefusedError } from './refused-error.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** Every way in which a call through a policy can end. A closed union: `switch` over `kind`. */
export type Settled<T> = { readonly kind: 'returned'; readonly value: T } | CallFailure;

/** Every way in which it can end without a value. */
export type CallFailure =
  /** What the function threw, unchanged. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** By a breaker, bulkhead, limiter or throttler: the call was not made. */
  | { readonly kind: 'refused'; readonly error: RefusedError }
  | { readonly kind: 'timed-out'; readonly error: TimedOutError }
  /** By the caller's own signal, whose reason this is. */
  | { readonly kind: 'aborted'; readonly reason: unknown };

/** The kinds of `CallFailure`. */
export type FailureKind = CallFailure['kind'];

/** A failure out of its parts; the kind says of what type `error` is. */
export function failureOf(kind: FailureKind, error: unknown): CallFailure {
  if (kind === 'aborted') return { kind, reason: error };
  return { kind, error } as CallFailure;
}
