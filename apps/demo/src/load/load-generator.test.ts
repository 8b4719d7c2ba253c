import { type Clock, seededRng, type Timers } from '@leno/std';
import { expect, test } from 'vitest';
import { type Journey, journeys, pickJourney, stepsPerJourney } from './journeys.ts';
import { LoadGenerator, type LoadOptions } from './load-generator.ts';

/** Time that moves only when a test says so. */
class VirtualTime implements Clock, Timers {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, fire: () => void) {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }
  /** Stalls: time passes and nothing runs. */
  jump(toMs: number): void {
    this.#nowMs = toMs;
  }
  async advance(toMs: number): Promise<void> {
    for (;;) {
      await settled();
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > toMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    this.#nowMs = toMs;
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const one: Journey = { name: 'one', weight: 1, steps: () => [{ method: 'GET', path: '/x/1' }] };

/** Ten journeys a second in virtual time; each step takes `stepMs` and ends with `status`. */
function generator(options: Partial<LoadOptions> & { stepMs?: number; status?: number } = {}) {
  const time = new VirtualTime();
  const { stepMs = 20, status = 200 } = options;
  const send = () => new Promise<number>((resolve) => time.after(stepMs, () => resolve(status)));
  const base = { journeys: [one], journeysPerSecond: 10, send, clock: time, timers: time };
  return { time, load: new LoadGenerator({ ...base, rng: seededRng(1), ...options }) };
}

test('arrivals come at their rate, and stop waits for those inside', async () => {
  const { time, load } = generator();
  load.start();
  await time.advance(995);
  let isStopped = false;
  const stopped = load.stop().then(() => {
    isStopped = true;
  });
  await time.advance(1_500);
  await stopped;
  expect(isStopped).toBe(true);
  const counts = load.counts();
  expect(counts).toMatchObject({ requests: 10, failures: 0, underWay: 0, byStatus: { 200: 10 } });
  expect(counts.byStep).toEqual({ 'GET /x': 10 });
  expect(counts.p50Ms).toBeCloseTo(20, 0);
});

test('a stall shows in the latency of all who were due meanwhile', async () => {
  const { time, load } = generator();
  load.start();
  await time.advance(10);
  time.jump(5_010); // The generator itself stood still: fifty visitors were due.
  await time.advance(5_040);
  const { requests, p50Ms, p99Ms } = load.counts();
  expect(requests).toBe(51);
  expect(p99Ms).toBeGreaterThan(4_700);
  expect(p50Ms).toBeGreaterThan(2_000);
});

test('arrivals beyond the bound are turned away, and count as failures', async () => {
  const { time, load } = generator({ stepMs: 1e9, journeyCountMax: 3 });
  load.start();
  await time.advance(950);
  expect(load.counts()).toMatchObject({ underWay: 3, shed: 7, requests: 7, failures: 7 });
});

test.each([0, 404, 503])('status %i is a failure and ends the journey', async (status) => {
  const twoSteps: Journey = { ...one, steps: () => [...one.steps(() => 0), ...one.steps(() => 0)] };
  const { time, load } = generator({ status, journeys: [twoSteps] });
  load.start();
  await time.advance(50);
  expect(load.counts()).toMatchObject({ requests: 1, failures: 1 });
  expect(load.counts().byJourney).toEqual({ one: { started: 1, failed: 1 } });
});

test('journeys come by their weights, and their mean length is known', () => {
  const rng = seededRng(3);
  const picked = Array.from({ length: 17_000 }, () => pickJourney(journeys, rng)?.name);
  const share = (name: string) => picked.filter((it) => it === name).length / 1_000;
  expect(share('look')).toBeCloseTo(8, 0);
  expect(share('buy')).toBeCloseTo(3, 0);
  expect(stepsPerJourney(journeys)).toBeCloseTo(26 / 17);
});
