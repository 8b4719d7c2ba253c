/** The defects known from cockatiel 4, (l) to (t). */
import {
  ActionError,
  fail,
  failing,
  firstFailureOpens,
  follow,
  halfOpened,
  hanging,
  pending,
  succeed,
} from './scenes.ts';
import type { Defect, Subject, SubjectBreaker } from './subject.ts';

/** 81 failures and enough successes to stay closed; the successes are all in the first second. */
async function busySeconds(subject: Subject, breaker: SubjectBreaker): Promise<void> {
  for (let call = 0; call < 95; call += 1) await succeed(breaker);
  for (let second = 1; second < 10; second += 1) {
    await subject.advance(1_000);
    for (let call = 0; call < 9; call += 1) await fail(breaker);
  }
}

class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError';
}

export const cockatielDefects: readonly Defect[] = [
  {
    letter: 'l',
    title: 'failures from before ten idle minutes open the breaker',
    async observe(subject) {
      const options = { failureRatio: 0.5, countMin: 80, windowMs: 10_000, openMs: 1_000 };
      const breaker = subject.breaker(options);
      await subject.advance(60_000);
      await busySeconds(subject, breaker);
      const before = breaker.state();
      await subject.advance(600_000);
      await fail(breaker);
      return [before, breaker.state()];
    },
    rivalShows: ['closed', 'open'],
    oursShows: ['closed', 'closed'],
  },
  {
    letter: 'm',
    title: 'an abort during the back-off is not heard',
    async observe(subject) {
      const startMs = subject.nowMs();
      const caller = new AbortController();
      const retried = subject.retry({ delayMs: 400, retryCountMax: 3 }, failing, caller.signal);
      const ending = follow(subject, retried);
      await subject.advance(50);
      caller.abort('gone');
      await subject.advance(1_000);
      const tookMs = (ending.atMs ?? Number.NaN) - startMs;
      return [tookMs, ending.value === 'gone' ? 'the reason' : 'the old error'];
    },
    rivalShows: [400, 'the old error'],
    oursShows: [50, 'the reason'],
  },
  {
    letter: 'n',
    title: 'callers pile up behind a probe that hangs, without bound',
    async observe(subject) {
      const breaker = await halfOpened(subject);
      follow(subject, breaker.call(hanging));
      const callers = Array.from({ length: 100 }, () =>
        follow(
          subject,
          breaker.call(() => Promise.resolve('fine')),
        ),
      );
      await subject.advance(3_600_000);
      return callers.filter((caller) => caller.kind !== 'pending').length;
    },
    rivalShows: 0,
    oursShows: 100,
  },
  {
    letter: 'o',
    title: 'a caller behind a probe cannot leave',
    async observe(subject) {
      const breaker = await halfOpened(subject);
      const startMs = subject.nowMs();
      const probe = pending();
      follow(subject, breaker.call(probe.action));
      const caller = new AbortController();
      const ending = follow(
        subject,
        breaker.call(() => Promise.resolve('fine'), caller.signal),
      );
      await subject.advance(30);
      caller.abort('gone');
      await subject.advance(370);
      await probe.succeed();
      await subject.advance(1);
      return (ending.atMs ?? Number.POSITIVE_INFINITY) - startMs <= 30 ? 'free' : 'held';
    },
    rivalShows: 'held',
    oursShows: 'free',
  },
  {
    letter: 'p',
    title: 'a failure that was admitted while closed opens a half-open breaker',
    async observe(subject) {
      const breaker = subject.breaker(firstFailureOpens);
      const early = pending();
      follow(subject, breaker.call(early.action));
      await fail(breaker);
      await subject.advance(101);
      follow(subject, breaker.call(hanging));
      await subject.advance(1);
      const before = breaker.state();
      await early.fail();
      return [before, breaker.state()];
    },
    rivalShows: ['half-open', 'open'],
    oursShows: ['half-open', 'half-open'],
  },
  {
    letter: 'q',
    title: 'an error that does not count closes a half-open breaker',
    async observe(subject) {
      const isFailure = (error: unknown): boolean => error instanceof ActionError;
      const breaker = await halfOpened(subject, { isFailure });
      follow(
        subject,
        breaker.call(() => Promise.reject(new UnexpectedError('a bug of ours'))),
      );
      await subject.advance(1);
      return breaker.state();
    },
    rivalShows: 'closed',
    oursShows: 'half-open',
  },
  {
    letter: 'r',
    title: 'the factor of the back-off is ignored',
    observe: (subject) => subject.backoffDelaysMs({ baseMs: 100, factor: 3 }, 4),
    rivalShows: [100, 200, 400, 800],
    oursShows: [100, 300, 900, 2_700],
  },
  {
    letter: 's',
    title: 'the refusal does not say which error it is, until when, nor why',
    async observe(subject) {
      const breaker = subject.breaker(firstFailureOpens);
      await fail(breaker);
      const ending = follow(subject, breaker.call(failing));
      await subject.advance(1);
      const { name, cause, retryAfterMs } = ending.value as Error & { retryAfterMs?: number };
      return { name, retryAfterMs, isCauseKnown: cause instanceof ActionError };
    },
    rivalShows: { name: 'Error', retryAfterMs: undefined, isCauseKnown: false },
    oursShows: { name: 'BreakerOpenError', retryAfterMs: 100, isCauseKnown: true },
  },
  {
    letter: 't',
    title: 'the fallback is not told what went wrong',
    async observe(subject) {
      const given = await subject.givenToFallback(failing);
      return given.some((it) => it instanceof ActionError) ? 'told' : 'not told';
    },
    rivalShows: 'not told',
    oursShows: 'told',
  },
];
