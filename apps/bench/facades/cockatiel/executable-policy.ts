import type { Event } from './emitter.ts';

export type FailureReason = { readonly error: unknown } | { readonly value: unknown };

export interface FailureEvent {
  readonly duration: number;
  readonly handled: boolean;
  readonly reason: FailureReason;
}

export interface PolicyContext {
  readonly signal: AbortSignal;
  /** Retries before this one; only within a retry. */
  readonly attempt?: number;
}

export type PolicyFunction<T> = (context: PolicyContext, signal: AbortSignal) => PromiseLike<T> | T;

export interface ExecutablePolicy {
  execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T>;
  readonly onSuccess: Event<{ readonly duration: number }>;
  readonly onFailure: Event<FailureEvent>;
}

export interface Filters {
  readonly errorFilter: (error: unknown) => boolean;
  readonly resultFilter: (result: unknown) => boolean;
}
