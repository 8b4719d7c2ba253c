/** What several scenarios do: failing calls, calls that hang, and looking at what became of them. */
import { settled } from './fake-time.ts';
import type { Subject, SubjectBreaker, SubjectOptions } from './subject.ts';

/** What the actions of the scenarios fail with. */
export class ActionError extends Error {
  override readonly name = 'ActionError';
}

export const failing = (): Promise<never> => Promise.reject(new ActionError('boom'));

export const hanging = (): Promise<never> => new Promise(() => {});

/** An action whose end the scenario decides. */
export function pending(): {
  readonly action: () => Promise<string>;
  succeed(): Promise<void>;
  fail(): Promise<void>;
} {
  let resolve: (value: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((onSuccess, onFailure) => {
    resolve = onSuccess;
    reject = onFailure;
  });
  return {
    action: () => promise,
    succeed: () => settledAfter(() => resolve('late')),
    fail: () => settledAfter(() => reject(new ActionError('late'))),
  };
}

async function settledAfter(act: () => void): Promise<void> {
  act();
  await settled();
}

/** One call that fails, heard of. */
export async function fail(breaker: SubjectBreaker): Promise<void> {
  await breaker.call(failing).catch(() => {});
  await settled();
}

/** One call that succeeds, heard of. */
export async function succeed(breaker: SubjectBreaker): Promise<void> {
  await breaker.call(() => Promise.resolve('fine')).catch(() => {});
  await settled();
}

/** What became of a promise, and when by the clock of the subject. */
export interface Ending {
  kind: 'pending' | 'resolved' | 'rejected';
  value?: unknown;
  atMs?: number;
}

export function follow(subject: Subject, promise: Promise<unknown>): Ending {
  const ending: Ending = { kind: 'pending' };
  const end = (kind: Ending['kind'], value: unknown): void => {
    Object.assign(ending, { kind, value, atMs: subject.nowMs() });
  };
  promise.then(
    (value) => end('resolved', value),
    (error: unknown) => end('rejected', error),
  );
  return ending;
}

/** The first failure opens it, for 100 ms, beside one call under way too. */
export const firstFailureOpens: SubjectOptions = {
  failureRatio: 0.4,
  countMin: 1,
  windowMs: 10_000,
  openMs: 100,
};

/** A breaker that was opened by one failure and whose open time has just passed. */
export async function halfOpened(
  subject: Subject,
  options: Partial<SubjectOptions> = {},
): Promise<SubjectBreaker> {
  const breaker = subject.breaker({ ...firstFailureOpens, ...options });
  await fail(breaker);
  await subject.advance(101);
  return breaker;
}
