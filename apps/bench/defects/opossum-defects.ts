/** The defects known from opossum 10, (a) to (k). */
import { bytesKeptPerCall, costOfOneFailureMs } from './measure.ts';
import {
  fail,
  firstFailureOpens,
  follow,
  halfOpened,
  hanging,
  pending,
  succeed,
} from './scenes.ts';
import type { Defect } from './subject.ts';

export const opossumDefects: readonly Defect[] = [
  {
    letter: 'a',
    title: 'an action that returns undefined counts as failed and opens the breaker',
    async observe(subject) {
      const breaker = subject.breaker(firstFailureOpens);
      const ending = follow(
        subject,
        breaker.call(() => undefined),
      );
      await subject.advance(1);
      return [ending.kind, breaker.state()];
    },
    rivalShows: ['rejected', 'open'],
    oursShows: ['resolved', 'closed'],
  },
  {
    letter: 'b',
    title: 'what was saved while open is half-open once restored',
    async observe(subject) {
      const options = { ...firstFailureOpens, openMs: 30_000 };
      const breaker = subject.breaker(options);
      await subject.advance(60_000);
      await fail(breaker);
      await subject.advance(1);
      return [breaker.state(), subject.breaker({ ...options, saved: breaker.save() }).state()];
    },
    rivalShows: ['open', 'half-open'],
    oursShows: ['open', 'open'],
  },
  {
    letter: 'c',
    title: 'the timeout of one call aborts all others',
    async observe(subject) {
      const breaker = subject.breaker({ ...firstFailureOpens, timeoutMs: 100 });
      const signals: (AbortSignal | undefined)[] = [];
      const call = (): void => {
        const action = (signal: AbortSignal | undefined): Promise<never> => {
          signals.push(signal);
          return hanging();
        };
        breaker.call(action).catch(() => {});
      };
      call();
      await subject.advance(50);
      call();
      await subject.advance(60);
      return signals.map((signal) => signal?.aborted);
    },
    rivalShows: [true, true],
    oursShows: [true, false],
  },
  {
    letter: 'd',
    title: 'a call that timed out gives its place away while its action still runs',
    async observe(subject) {
      const breaker = subject.breaker({
        ...firstFailureOpens,
        failureRatio: 0.99,
        countMin: 1_000,
        timeoutMs: 20,
        concurrencyMax: 1,
      });
      let runningCount = 0;
      for (let call = 0; call < 5; call += 1) {
        const action = (): Promise<never> => {
          runningCount += 1;
          return hanging();
        };
        breaker.call(action).catch(() => {});
        await subject.advance(21);
      }
      return runningCount;
    },
    rivalShows: 5,
    oursShows: 1,
  },
  {
    letter: 'e',
    title: 'a success that was admitted before the opening closes a half-open breaker',
    async observe(subject) {
      const breaker = subject.breaker(firstFailureOpens);
      const early = pending();
      follow(subject, breaker.call(early.action));
      await fail(breaker);
      await subject.advance(101);
      const before = breaker.state();
      await early.succeed();
      return [before, breaker.state()];
    },
    rivalShows: ['half-open', 'closed'],
    oursShows: ['half-open', 'half-open'],
  },
  {
    letter: 'f',
    title: 'a probe that hangs keeps the breaker shut for ever',
    async observe(subject) {
      const breaker = await halfOpened(subject);
      follow(subject, breaker.call(hanging));
      await subject.advance(3_600_000);
      const next = follow(
        subject,
        breaker.call(() => Promise.resolve('fine')),
      );
      await subject.advance(1);
      return next.kind;
    },
    rivalShows: 'rejected',
    oursShows: 'resolved',
  },
  {
    letter: 'g',
    title: 'failures from before a recovery open the breaker again',
    async observe(subject) {
      const breaker = subject.breaker({ ...firstFailureOpens, countMin: 10, openMs: 1_000 });
      for (let call = 0; call < 10; call += 1) await fail(breaker);
      await subject.advance(1_001);
      for (let call = 0; call < 3; call += 1) await succeed(breaker);
      const recovered = breaker.state();
      await fail(breaker); // The 11th failure of 14 calls.
      return [recovered, breaker.state()];
    },
    rivalShows: ['closed', 'open'],
    oursShows: ['closed', 'closed'],
  },
  {
    letter: 'h',
    title: 'the cost of one failure grows with the calls in the window',
    async observe(subject) {
      const small = await costOfOneFailureMs(subject, 1_000);
      const large = await costOfOneFailureMs(subject, 100_000);
      const growth = large / small;
      if (growth < 5) return 'stays';
      return growth > 20 ? 'grows' : `grows by ${growth}`;
    },
    rivalShows: 'grows',
    oursShows: 'stays',
  },
  {
    letter: 'i',
    title: 'every call leaves a latency behind, with percentiles switched off too',
    async observe(subject) {
      const bytes = await bytesKeptPerCall(subject, 100_000);
      if (bytes < 1) return 'keeps nothing';
      return bytes >= 4 ? 'keeps each' : `keeps ${bytes} bytes of each`;
    },
    rivalShows: 'keeps each',
    oursShows: 'keeps nothing',
  },
  {
    letter: 'j',
    title: 'the options of the caller are written to',
    observe(subject) {
      const { before, after } = subject.breaker(firstFailureOpens).optionKeys;
      return after.length > before.length ? 'written to' : 'as given';
    },
    rivalShows: 'written to',
    oursShows: 'as given',
  },
  {
    letter: 'k',
    title: 'each breaker runs two intervals',
    observe(subject) {
      for (let breaker = 0; breaker < 10; breaker += 1) subject.breaker(firstFailureOpens);
      return subject.timerCount();
    },
    rivalShows: 20,
    oursShows: 0,
  },
];
