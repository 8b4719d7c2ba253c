/** Whatever the order of the policies and the interleaving of events: one end, nothing left. */
import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { consecutive } from '../breaker/trigger.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { settled, VirtualTime } from '../testing/virtual-time.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { type Bulkhead, bulkhead } from './bulkhead.ts';
import { type CallBreaker, createBreaker } from './call-breaker.ts';
import { fallback } from './fallback.ts';
import type { CallContext } from './frame.ts';
import { hedge } from './hedge.ts';
import { type Pipeline, pipeline } from './pipeline.ts';
import type { Policy } from './policy.ts';
import { rateLimit } from './rate-limit.ts';
import { retry } from './retry.ts';
import { throttle } from './throttle.ts';
import { timeout } from './timeout.ts';

const boom = new Error('boom');
const KINDS = [
  ...['timeout', 'cooperative', 'retry', 'hedge', 'breaker', 'bulkhead', 'queue'],
  ...['rate', 'adaptive', 'throttle', 'fallback', 'crash'],
] as const;

/** A pipeline out of `kinds`, and everything that must be given back. */
class World {
  readonly time = new VirtualTime();
  readonly budget = new RetryBudget({ perSecondMin: 5 });
  readonly breakers: CallBreaker[] = [];
  readonly bulkheads: Bulkhead[] = [];
  limitedCount = 0;
  readonly call: Pipeline<number | string>;
  /** Ends of work under way. */
  readonly work: ((isGood: boolean) => void)[] = [];
  startedCount = 0;
  endedCount = 0;
  readonly discarded: unknown[] = [];
  observedCount = 0;

  constructor(kinds: readonly (typeof KINDS)[number][], seed: number) {
    const rng = (): number => ((seed = (seed * 16_807) % 2_147_483_647) - 1) / 2_147_483_646;
    const policies = kinds.map((kind) => this.#policyOf(kind, rng));
    this.call = pipeline<number | string>(...policies).with({
      ports: { clock: this.time, timers: this.time, rng },
      onEnding: () => {
        this.observedCount += 1;
      },
    });
  }

  #policyOf(kind: (typeof KINDS)[number], rng: () => number): Policy<string> | CallBreaker {
    const { budget } = this;
    switch (kind) {
      case 'timeout':
        return timeout(20);
      case 'cooperative':
        return timeout({ timeoutMs: 15, mode: 'cooperative' });
      case 'retry':
        return retry({ budget, baseMs: 8 });
      case 'hedge':
        return hedge({ delay: 5, hedgeCountMax: 2, budget });
      case 'breaker':
        this.breakers.push(
          createBreaker({ trip: consecutive(2), openMs: 30, clock: this.time, rng }),
        );
        return this.breakers.at(-1) ?? createBreaker();
      case 'bulkhead':
      case 'queue':
        this.bulkheads.push(
          bulkhead({ limit: 2, queueCountMax: kind === 'queue' ? 2 : 0, queueWaitMaxMs: 12 }),
        );
        return this.bulkheads.at(-1) ?? bulkhead({ limit: 1 });
      case 'rate':
        return rateLimit(
          {
            tryAcquire: () => true,
            reserve: () => Math.floor(rng() * 10),
            cancel: () => {},
            retryAfterMs: () => 1,
          },
          { waitMaxMs: 100 },
        );
      case 'adaptive':
        return adaptiveConcurrency({
          tryAcquire: () => {
            if (this.limitedCount >= 3) return false;
            this.limitedCount += 1;
            return true;
          },
          done: () => {
            this.limitedCount -= 1;
          },
        });
      case 'throttle':
        return throttle({ tryAcquire: () => rng() < 0.8, success: () => {}, failure: () => {} });
      case 'fallback':
        return fallback((_, context) => (rng() < 0.5 ? 'instead' : this.begin(context)));
      case 'crash':
        return retry({
          isRetryable: () => {
            throw new Error('crash');
          },
        });
      default:
        return kind satisfies never;
    }
  }

  /** Some work ends at once, the rest when told. */
  begin = (context: CallContext): number | Promise<number> => {
    this.startedCount += 1;
    const isLate = this.startedCount % 3 !== 0;
    if (this.startedCount % 2 === 0) void context.signal;
    if (!isLate) {
      this.endedCount += 1;
      if (this.startedCount % 2 === 0) throw boom;
      return this.startedCount;
    }
    return new Promise((resolve, reject) => {
      this.work.push((isGood) => {
        this.endedCount += 1;
        if (isGood) resolve(this.startedCount);
        else reject(boom);
      });
    });
  };

  /** What is held by anybody; all 0 at the end. */
  get held(): Readonly<Record<string, number>> {
    const nowMs = this.time.nowMs() + 1_000;
    return {
      timers: this.time.timerCount,
      budget: this.budget.inFlightCount,
      limited: this.limitedCount,
      active: this.bulkheads.reduce((sum, it) => sum + it.activeCount, 0),
      queued: this.bulkheads.reduce((sum, it) => sum + it.queuedCount, 0),
      unsettled: this.startedCount - this.endedCount,
      // A probe that was not given back would refuse the next one.
      wedged: this.breakers.filter((it) => !it.admits(nowMs)).length,
    };
  }
}

const NOTHING = { timers: 0, budget: 0, limited: 0, active: 0, queued: 0, unsettled: 0, wedged: 0 };

type Step =
  | { readonly kind: 'call' }
  | { readonly kind: 'abort'; readonly pick: number }
  | { readonly kind: 'end'; readonly pick: number; readonly isGood: boolean }
  | { readonly kind: 'advance'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('call') }),
  fc.record({ kind: fc.constant('abort'), pick: fc.nat(9) }),
  fc.record({ kind: fc.constant('end'), pick: fc.nat(9), isGood: fc.boolean() }),
  fc.record({ kind: fc.constant('advance'), ms: fc.integer({ min: 1, max: 9 }) }),
);

interface Seen {
  readonly abort: AbortController;
  count: number;
}

async function takeStep(world: World, calls: Seen[], it: Step): Promise<void> {
  if (it.kind === 'call') {
    const seen: Seen = { abort: new AbortController(), count: 0 };
    calls.push(seen);
    const count = (): void => {
      seen.count += 1;
    };
    const options = {
      signal: seen.abort.signal,
      discard: (value: unknown) => world.discarded.push(value),
    };
    if (calls.length % 2 === 0) world.call.execute(world.begin, options).then(count, count);
    else void world.call.settle(world.begin, options).then(count);
  } else if (it.kind === 'abort') {
    calls[it.pick % Math.max(1, calls.length)]?.abort.abort();
  } else if (it.kind === 'advance') {
    await world.time.advance(it.ms);
  } else {
    world.work.splice(it.pick % Math.max(1, world.work.length), 1)[0]?.(it.isGood);
  }
  await settled();
}

test('property: every call ends once, and everything is given back', async () => {
  const kinds = fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 6 });
  const steps = fc.array(step, { maxLength: 40, size: 'max' });
  await fc.assert(
    fc.asyncProperty(kinds, steps, fc.integer({ min: 1, max: 1e9 }), async (order, all, seed) => {
      const world = new World(order, seed);
      const calls: Seen[] = [];
      for (const it of all) await takeStep(world, calls, it);
      // The end: all work that is under way, or still begins, fails.
      for (let round = 0; round < 200; round += 1) {
        world.work.shift()?.(false);
        await world.time.advance(10);
      }
      expect(calls.map((it) => it.count)).toEqual(calls.map(() => 1));
      expect(world.observedCount).toBe(calls.length);
      for (const it of calls) expect(getEventListeners(it.abort.signal, 'abort')).toHaveLength(0);
      expect(world.held).toEqual(NOTHING);
    }),
    { numRuns: 300 },
  );
});
