import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { follow, VirtualTime } from '../testing/virtual-time.ts';
import { bulkhead } from './bulkhead.ts';
import type { CallContext } from './frame.ts';
import { type HedgeOptions, hedge } from './hedge.ts';
import { pipeline } from './pipeline.ts';

/** What an attempt does: `ok 30` succeeds after 30 ms, `no` fails at once, `stop 5` aborts. */
type Script = `${'ok' | 'no' | 'stop'} ${number}`;

/** Plays one call; the n-th attempt follows the n-th script. Gives what happened and when. */
async function play(scripts: readonly Script[], options: HedgeOptions) {
  const time = new VirtualTime();
  const log: string[] = [];
  const signals: AbortSignal[] = [];
  const discarded: unknown[] = [];
  const attempt = ({ hedge: index, signal }: CallContext): Promise<string> => {
    log.push(`${index}@${time.nowMs()}`);
    signals.push(signal);
    const [what, ms] = (scripts[index] ?? 'ok 0').split(' ');
    return new Promise((resolve, reject) => {
      time.after(Number(ms), () => {
        if (what === 'ok') resolve(`won by ${index}`);
        const name = what === 'stop' ? 'AbortError' : 'Error';
        reject(Object.assign(new Error(`failed in ${index}`), { name }));
      });
    });
  };
  const call = pipeline(hedge(options)).with({
    ports: { clock: time, timers: time, rng: () => 0 },
    onEnding: ({ tookMs }) => log.push(`end@${tookMs}`),
  });
  const seen = follow(call.execute(attempt, { discard: (value) => discarded.push(value) }));
  await time.advance(100_000);
  const end = seen.thrown instanceof Error ? seen.thrown.message : seen.value;
  const aborted = signals.flatMap((signal, index) => (signal.aborted ? [index] : []));
  return { end, log: log.join(' '), aborted, discarded, timerCount: time.timerCount };
}

const INFINITY = Number.POSITIVE_INFINITY;

test.each<{
  name: string;
  scripts: Script[];
  options: HedgeOptions;
  seen: { end: string; log: string; aborted?: number[]; discarded?: string[] };
}>([
  {
    name: 'HG-02 a fast call is never hedged',
    scripts: ['ok 99'],
    options: { delay: 100 },
    seen: { end: 'won by 0', log: '0@0 end@99' },
  },
  {
    name: 'HG-02 a slow one is, and the loser is aborted, its result discarded',
    scripts: ['ok 500', 'ok 50'],
    options: { delay: 100 },
    seen: { end: 'won by 1', log: '0@0 1@100 end@150', aborted: [0], discarded: ['won by 0'] },
  },
  {
    name: 'HG-02 the first may still win',
    scripts: ['ok 120', 'ok 50'],
    options: { delay: 100 },
    seen: { end: 'won by 0', log: '0@0 1@100 end@120', aborted: [1], discarded: ['won by 1'] },
  },
  {
    name: 'HG-02 a delay of 0 makes all at once',
    scripts: ['ok 30', 'ok 20', 'ok 10'],
    options: { delay: 0, hedgeCountMax: 2 },
    seen: {
      ...{ end: 'won by 2', log: '0@0 1@0 2@0 end@10', aborted: [0, 1] },
      discarded: ['won by 1', 'won by 0'],
    },
  },
  {
    name: 'HG-02 an infinite delay never makes two at once',
    scripts: ['no 500', 'no 500', 'ok 1'],
    options: { delay: INFINITY, hedgeCountMax: 2 },
    seen: { end: 'won by 2', log: '0@0 1@500 2@1000 end@1001' },
  },
  {
    name: 'HG-02 a failure does not wait for the delay',
    scripts: ['no 10', 'ok 10'],
    options: { delay: 100 },
    seen: { end: 'won by 1', log: '0@0 1@10 end@20' },
  },
  {
    name: 'HG-02 all fail: the last failure counts',
    scripts: ['no 150', 'no 20', 'no 60'],
    options: { delay: 100, hedgeCountMax: 2 },
    // The second fails at 120, so that the third begins then.
    seen: { end: 'failed in 2', log: '0@0 1@100 2@120 end@180' },
  },
  {
    name: 'HG-02 what is not worth repeating ends it at once, and the others with it',
    scripts: ['stop 120', 'ok 500'],
    options: { delay: 100 },
    seen: { end: 'failed in 0', log: '0@0 1@100 end@120', aborted: [1], discarded: ['won by 1'] },
  },
  {
    name: 'HG-03 a delay that has learned nothing yet never hedges, and the result is given',
    scripts: ['ok 5000'],
    options: { delay: { observe: () => {}, delayMs: () => -1 } },
    seen: { end: 'won by 0', log: '0@0 end@5000' },
  },
  {
    name: 'an exhausted budget ends the hedging, not the call',
    scripts: ['ok 500', 'ok 1'],
    options: { delay: 100, budget: new RetryBudget({ ratio: 0, perSecondMin: 0 }) },
    seen: { end: 'won by 0', log: '0@0 end@500' },
  },
])('$name', async ({ scripts, options, seen }) => {
  const { end, log, aborted, discarded, timerCount } = await play(scripts, options);
  expect({ end, log, aborted, discarded, timerCount }).toEqual({
    ...{ aborted: [], discarded: [], timerCount: 0 },
    ...seen,
  });
});

test('HG-03 the delay learns from first attempts, and from how long those had run that lost', async () => {
  const observed: number[] = [];
  const delay = { observe: (tookMs: number) => observed.push(tookMs), delayMs: () => 100 };
  await play(['ok 70'], { delay });
  await play(['ok 500', 'ok 50'], { delay });
  await play(['no 10', 'ok 10'], { delay });
  expect(observed).toEqual([70, 150]);
});

test('a refused hedge was never made: the first attempt has the last word', async () => {
  const time = new VirtualTime();
  const boom = new Error('boom');
  const places = bulkhead({ limit: 1 });
  const call = pipeline(hedge({ delay: 10, hedgeCountMax: 3 }), places).with({
    ports: { clock: time, timers: time, rng: () => 0 },
  });
  const work = () =>
    new Promise<never>((_, reject) => {
      time.after(100, () => reject(boom));
    });
  const seen = follow(call.settle(work));
  await time.advance(200);
  expect(seen.value).toEqual({ kind: 'failed', error: boom });
  expect([places.refusedCount, places.activeCount, time.timerCount]).toEqual([1, 0, 0]);
  const first = bulkhead({ limit: 1 });
  void first.settle(() => new Promise(() => {}));
  expect((await pipeline(hedge({ delay: 10 }), first).settle(work)).kind).toBe('refused');
});

test('the budget is shared by all calls and gets everything back', async () => {
  const budget = new RetryBudget({ perSecondMin: 1_000, concurrentMin: 2, concurrentRatio: 0 });
  const time = new VirtualTime();
  const call = pipeline(hedge({ delay: 10, budget })).with({
    ports: { clock: time, timers: time, rng: () => 0 },
  });
  let attemptCount = 0;
  const slow = () => {
    attemptCount += 1;
    return new Promise<void>((resolve) => time.after(50, resolve));
  };
  for (let index = 0; index < 5; index += 1) void call.execute(slow);
  await time.advance(20);
  expect([attemptCount, budget.inFlightCount, budget.refusedCount]).toEqual([7, 2, 3]);
  await time.advance(100);
  expect(budget.inFlightCount).toBe(0);
});

test.each([
  { delay: -1 },
  { delay: Number.NaN },
  { delay: 2 ** 31 },
  { delay: 1, hedgeCountMax: 0 },
])('%o is refused', (options) => {
  expect(() => hedge(options)).toThrow(InvalidOptionError);
});

test('property: it ends as the earliest success does, and leaves nothing behind', async () => {
  const script = fc.tuple(fc.constantFrom('ok', 'no'), fc.integer({ min: 1, max: 200 }));
  await fc.assert(
    fc.asyncProperty(fc.array(script, { minLength: 3, maxLength: 3 }), async (parts) => {
      const scripts = parts.map(([what, ms]) => `${what} ${ms}` as Script);
      const seen = await play(scripts, { delay: 50, hedgeCountMax: 2 });
      expect(seen.timerCount).toBe(0);
      const begunAtMs = [...seen.log.matchAll(/(\d)@(\d+)/g)].map((it) => Number(it[2]));
      const endAtMs = Number(/end@(\d+)/.exec(seen.log)?.[1]);
      const ends = begunAtMs.map((atMs, index) => ({
        index,
        atMs: atMs + (parts[index]?.[1] ?? 0),
      }));
      const good = ends.filter(({ index }) => parts[index]?.[0] === 'ok');
      const firstMs = Math.min(...good.map((it) => it.atMs));
      if (good.length > 0) expect(endAtMs).toBe(firstMs);
      else expect([endAtMs, ends.length]).toEqual([Math.max(...ends.map((it) => it.atMs)), 3]);
      expect(seen.end?.startsWith(good.length > 0 ? 'won' : 'failed')).toBe(true);
    }),
  );
});
