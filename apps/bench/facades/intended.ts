/** Why tests of the rivals fail on ours: by design, or since ours leaves a feature out. */
import type { Verdict } from './suite-run.ts';

export type SuiteName = 'opossum' | 'cockatiel';

interface Difference {
  readonly suite: SuiteName;
  readonly kind: 'differs' | 'left out';
  readonly why: string;
  /** Matches the file, a space and the name of each test that it explains. */
  readonly tests: RegExp;
}

const differences: readonly Difference[] = [
  {
    suite: 'opossum',
    kind: 'left out',
    why: 'a breaker is no cache: neither results nor calls under way are shared',
    tests: /^cache\.js /,
  },
  {
    suite: 'opossum',
    kind: 'left out',
    why: 'windows roll by the clock when they are used; nobody has to turn them',
    tests: /^rolling-event-emitter-test|rotateBucketController provided/,
  },
  {
    suite: 'opossum',
    kind: 'left out',
    why: 'no snapshot by a timer: stats are read when they are wanted',
    tests: /^status-test\.js .*enableSnapshots/,
  },
  {
    suite: 'opossum',
    kind: 'differs',
    why: 'each call has its own signal, made when it is read; none belongs to the breaker',
    tests: /^test\.js .*(abortController|AbortController)/,
  },
  {
    suite: 'opossum',
    kind: 'differs',
    why: 'a filtered error says nothing: it is no success, and does not close a half-open breaker',
    tests: /^error-filter-test\.js Bypasses|^half-open-test\.js .* filtered error should close/,
  },
  {
    suite: 'opossum',
    kind: 'differs',
    why: 'a place is held until the action has ended, not until its caller has given up',
    tests: /^test\.js Circuit Breaker timeout with semaphore released/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'an abort ends the call at once, with its reason, wherever the call stands',
    tests: /links parent cancellation|uses cancellation token in use|stops retries if cancellation/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'half-open refuses further callers at once: a queue behind a probe has no bound',
    tests:
      /dedupes half-open|queues calls once the half-open|when execute\(\) is called during HalfOpen/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'an open breaker whose time is over reads as half-open, before a call comes',
    tests: /restores half-open state with immediate retry/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'a signal aborts when its call is given up, not when it has returned',
    tests: /aborts on return by default/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'ten buckets, which roll by the clock: the share is that of the window, and trips a call sooner',
    tests: /SamplingBreaker functionality fails once above rps/,
  },
  {
    suite: 'cockatiel',
    kind: 'differs',
    why: 'decorrelated jitter is that of AWS: up to thrice the wait before, not below an exponential',
    tests: /decorrelatedJitterGenerator is sane/,
  },
  {
    suite: 'cockatiel',
    kind: 'left out',
    why: 'the test reads private fields of the window',
    tests:
      /^breaker\/.* (creates (good|initial|guess) .*|wraps .*|serializes and deserializes|resets when .*)$/,
  },
];

/** The reason of a failure, or undefined. */
export function reasonOf(suite: SuiteName, { file, name }: Verdict): string | undefined {
  const it = differences.find((it) => it.suite === suite && it.tests.test(`${file} ${name}`));
  return it === undefined ? undefined : `${it.kind}: ${it.why}`;
}
