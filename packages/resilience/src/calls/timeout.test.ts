import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import type { CallOptions } from './call.ts';
import type { CallContext, CallFunction } from './frame.ts';
import { pipeline } from './pipeline.ts';
import { TimedOutError } from './timed-out-error.ts';
import { type TimeoutOptions, timeout } from './timeout.ts';

const boom = new Error('boom');

function never(): Promise<never> {
  return new Promise(() => {});
}

function fail(): never {
  throw boom;
}

function portsOf(time: VirtualTime) {
  return { clock: time, timers: time, rng: () => 0.5 };
}

function timed<T>(
  time: VirtualTime,
  fn: CallFunction<T>,
  options: CallOptions<T> & Partial<TimeoutOptions> = {},
): Promise<T> {
  const { timeoutMs = 100, mode, ...call } = options;
  return pipeline(timeout({ timeoutMs, mode }))
    .with({ ports: portsOf(time) })
    .execute(fn, call);
}

test('a call within its time keeps its result, and leaves no timer', async () => {
  const time = new VirtualTime();
  expect(await timed(time, () => 7)).toBe(7);
  await expect(timed(time, fail)).rejects.toBe(boom);
  await expect(timed(time, () => Promise.reject(boom))).rejects.toBe(boom);
  expect(time.timerCount).toBe(0);
});

test('a call beyond its time is given up at that time, heedful or not, and alone', async () => {
  const time = new VirtualTime();
  const signals: AbortSignal[] = [];
  const hung = follow(
    timed(time, (context) => {
      signals.push(context.signal);
      return never();
    }),
  );
  await time.advance(50);
  const later = follow(timed(time, () => never()));
  const other = follow(
    timed(time, (context) => {
      signals.push(context.signal);
      return never();
    }),
  );
  await time.advance(49);
  expect(hung.thrown).toBeUndefined();
  await time.advance(1);
  expect(hung.thrown).toBeInstanceOf(TimedOutError);
  expect(hung.thrown).toMatchObject({ code: 'LENO_TIMED_OUT', timeoutMs: 100 });
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  expect([later.thrown, other.thrown]).toEqual([undefined, undefined]);
  await time.advance(50);
  expect(later.thrown).toBeInstanceOf(TimedOutError);
});

test('a heedful call cannot put its own error before the timeout', async () => {
  const time = new VirtualTime();
  const call = follow(
    timed(
      time,
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(boom))),
    ),
  );
  await time.advance(100);
  expect(call.thrown).toBeInstanceOf(TimedOutError);
});

test('the caller who aborts gets the own reason, at once, and no listener stays', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const inner: AbortSignal[] = [];
  const call = follow(
    timed(
      time,
      (context) => {
        inner.push(context.signal);
        return never();
      },
      { signal: caller.signal },
    ),
  );
  await timed(time, () => 1, { signal: caller.signal });
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
  caller.abort(boom);
  await settled();
  expect([call.thrown, inner[0]?.reason]).toEqual([boom, boom]);
  expect([getEventListeners(caller.signal, 'abort').length, time.timerCount]).toEqual([0, 0]);
  await expect(timed(time, () => 1, { signal: caller.signal })).rejects.toBe(boom);
});

test('a signal that is first read after the end is aborted', async () => {
  const time = new VirtualTime();
  let late: CallContext | undefined;
  const call = follow(
    timed(time, (context) => {
      late = context;
      return never();
    }),
  );
  await time.advance(100);
  expect(late?.signal.reason).toBe(call.thrown);
});

test('0 is no timeout', async () => {
  const time = new VirtualTime();
  const call = follow(timed(time, never, { timeoutMs: 0 }));
  await time.advance(1e9);
  expect([call, time.timerCount]).toEqual([{}, 0]);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('%d is no time', (timeoutMs) => {
  expect(() => timeout(timeoutMs)).toThrow(InvalidOptionError);
});

test('a text is no time, and the error says which', () => {
  const text = '100' as unknown as number; // Of a program without types.
  expect(() => timeout(text)).toThrow('not "100"');
});

// Cooperative timeouts: who is told to end has the last word.

test.each([
  { name: 'what still returns counts', atMs: 130, end: () => 7, seen: { value: 7 } },
  {
    name: 'what throws has timed out, and says why',
    atMs: 130,
    end: fail,
    seen: { thrown: expect.objectContaining({ code: 'LENO_TIMED_OUT', cause: boom }) },
  },
  { name: 'what threw before has not', atMs: 90, end: fail, seen: { thrown: boom } },
])('TO-01 cooperative: $name', async ({ atMs, end, seen }) => {
  const time = new VirtualTime();
  const call = follow(
    timed(time, () => new Promise((resolve) => time.after(atMs, () => resolve(0))).then(end), {
      mode: 'cooperative',
    }),
  );
  await time.advance(129);
  if (atMs > 129) expect(call).toEqual({});
  await time.advance(1);
  expect(call).toEqual(seen);
});

test('TO-01 cooperative: who rethrows the reason adds nothing to it', async () => {
  const time = new VirtualTime();
  const call = follow(
    timed(
      time,
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
      { mode: 'cooperative' },
    ),
  );
  await time.advance(100);
  expect(call.thrown).toBeInstanceOf(TimedOutError);
  expect((call.thrown as Error).cause).toBeUndefined();
});

test('each of several deadlines is kept to, none early, though they share one timer', async () => {
  const time = new VirtualTime();
  const call = pipeline(timeout(100)).with({ ports: portsOf(time) });
  const atMs: number[] = [];
  for (let index = 0; index < 4; index += 1) {
    void call.settle(never).then(() => atMs.push(time.nowMs()));
    await time.advance(0.5);
  }
  expect(time.timerCount).toBe(1);
  await time.advance(200);
  expect([atMs, time.timerCount]).toEqual([[100, 100.5, 101, 101.5], 0]);
});
