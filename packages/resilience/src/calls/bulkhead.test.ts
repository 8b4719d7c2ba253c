import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { type Bulkhead, type BulkheadOptions, bulkhead } from './bulkhead.ts';
import { pipeline } from './pipeline.ts';
import { timeout } from './timeout.ts';

/** Calls whose work ends when told; notes who enters (`e`) and exits (`x`). */
class Yard {
  readonly time = new VirtualTime();
  readonly log: string[] = [];
  readonly #ends = new Map<number, (value: number) => void>();
  readonly #aborts = new Map<number, AbortController>();

  call(subject: Bulkhead, id: number, options: { timeoutMs?: number } = {}) {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    const ports = { clock: this.time, timers: this.time, rng: () => 0 };
    return follow(
      pipeline(timeout(options.timeoutMs ?? 0), subject)
        .with({ ports })
        .settle(() => this.#work(id), { signal: abort.signal })
        .then((it) => (it.kind === 'refused' ? `refused: ${it.error.message}` : it.kind)),
    );
  }

  #work(id: number): Promise<number> {
    this.log.push(`${id}e`);
    return new Promise((resolve) => this.#ends.set(id, resolve));
  }

  async end(id: number): Promise<void> {
    this.log.push(`${id}x`);
    this.#ends.get(id)?.(id);
    this.#ends.delete(id);
    await settled();
  }

  async abort(id: number): Promise<void> {
    this.#aborts.get(id)?.abort();
    await settled();
  }

  get running(): number[] {
    return [...this.#ends.keys()];
  }
}

test('BH-01 of five calls on two places and two in the queue the fifth is refused', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 2, queueCountMax: 2, name: 'db' });
  const calls = [0, 1, 2, 3, 4].map((id) => yard.call(subject, id));
  await settled();
  expect([subject.activeCount, subject.queuedCount, subject.refusedCount]).toEqual([2, 2, 1]);
  for (const id of [0, 1, 2, 3]) await yard.end(id);
  expect(yard.log.join(' ')).toBe('0e 1e 0x 2e 1x 3e 2x 3x');
  expect(calls.map((call) => call.value)).toEqual([
    ...['returned', 'returned', 'returned', 'returned'],
    'refused: bulkhead db: 2 calls at work, 2 may wait: the queue is full',
  ]);
  expect([subject.activeCount, subject.queuedCount]).toEqual([0, 0]);
});

test('BH-01 an aborted call in the queue blocks nobody, and leaves its room to another', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 1, queueCountMax: 2 });
  const calls = [0, 1, 2].map((id) => yard.call(subject, id));
  await yard.abort(1);
  calls.push(yard.call(subject, 3));
  await settled();
  expect([subject.queuedCount, subject.refusedCount]).toEqual([2, 0]);
  for (const id of [0, 2, 3]) await yard.end(id);
  expect(yard.log.join(' ')).toBe('0e 0x 2e 2x 3e 3x');
  expect(calls.map((call) => call.value)).toEqual(['returned', 'aborted', 'returned', 'returned']);
});

test('who waits longer than it may is refused, and those behind it move up', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 1, queueCountMax: 9, queueWaitMaxMs: 50 });
  yard.call(subject, 0);
  const early = yard.call(subject, 1);
  await yard.time.advance(20);
  const late = yard.call(subject, 2);
  await yard.time.advance(29);
  expect(early).toEqual({});
  await yard.time.advance(1);
  expect(early.value).toContain('no place came free in time');
  expect([subject.queuedCount, subject.refusedCount, subject.refusedByWaitCount]).toEqual([
    1, 1, 1,
  ]);
  await yard.end(0);
  await yard.end(2);
  expect(late.value).toBe('returned');
  expect(yard.time.timerCount).toBe(0);
});

test.each([
  { name: 'outside', order: 'timeout, bulkhead' },
  { name: 'inside', order: 'bulkhead, timeout' },
])('(d) timeouts $name: never more at work than there are places', async ({ order }) => {
  const time = new VirtualTime();
  const subject = bulkhead({ limit: 1 });
  const policies = order.startsWith('timeout') ? [timeout(20), subject] : [subject, timeout(20)];
  const call = pipeline(...policies).with({ ports: { clock: time, timers: time, rng: () => 0 } });
  let activeCount = 0;
  let activeCountMax = 0;
  const work = () => {
    activeCount += 1;
    activeCountMax = Math.max(activeCountMax, activeCount);
    return new Promise<void>((resolve) => time.after(100, resolve)).then(() => {
      activeCount -= 1;
    });
  };
  const kinds: string[] = [];
  for (let round = 0; round < 7; round += 1) {
    void call.settle(work).then(({ kind }) => kinds.push(kind));
    await time.advance(25);
  }
  // Each at work for 100 ms, though given up after 20.
  expect(kinds.filter((kind) => kind === 'timed-out')).toHaveLength(2);
  expect(activeCountMax).toBe(1);
  await time.advance(100);
  expect([subject.activeCount, subject.refusedCount, time.timerCount]).toEqual([0, 5, 0]);
});

test('a long queue of synchronous calls needs no deep stack', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 1, queueCountMax: 100_000 });
  yard.call(subject, 0);
  const order: number[] = [];
  const calls = Array.from({ length: 100_000 }, (_, index) =>
    subject.execute(() => {
      order.push(index);
    }),
  );
  await yard.end(0);
  await Promise.all(calls);
  expect(order).toEqual(order.toSorted((one, other) => one - other));
  expect(order).toHaveLength(100_000);
});

test('a queued call that fails to begin ends alone', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 1, queueCountMax: 2 });
  yard.call(subject, 0);
  const failed = follow(subject.execute(() => Promise.reject(new Error('boom'))));
  const next = follow(subject.execute(() => 7));
  await yard.end(0);
  expect([failed.thrown, next.value]).toEqual([new Error('boom'), 7]);
});

test('the same bulkhead in two pipelines has one count', async () => {
  const yard = new Yard();
  const subject = bulkhead({ limit: 1 });
  yard.call(subject, 0);
  const other = await pipeline(timeout(10), subject).settle(() => 1);
  expect(other.kind).toBe('refused');
});

test('options out of range are all named', () => {
  const bad = { limit: 0, queueCountMax: Number.NaN, queueWaitMaxMs: -1 };
  expect(() => bulkhead(bad)).toThrow(InvalidOptionError);
  for (const name of Object.keys(bad)) expect(() => bulkhead(bad)).toThrow(name);
  expect(() => bulkhead({} as BulkheadOptions)).toThrow('limit');
});

// Model: arrays that say what the docstring says.

type Step =
  | { readonly kind: 'call'; readonly timeoutMs: number }
  | { readonly kind: 'end' | 'abort'; readonly pick: number }
  | { readonly kind: 'advance'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('call'), timeoutMs: fc.constantFrom(0, 7) }),
  },
  fc.record({ kind: fc.constantFrom('end', 'abort'), pick: fc.nat(9) }),
  fc.record({ kind: fc.constant('advance'), ms: fc.integer({ min: 1, max: 6 }) }),
);

const QUEUE_WAIT_MAX_MS = 10;

interface Waiting {
  readonly id: number;
  readonly leavesAtMs: number;
}

/** What a bulkhead with two places and a queue of three does. */
class Model {
  readonly active: number[] = [];
  waiting: Waiting[] = [];
  refusedCount = 0;
  waitedCount = 0;

  call(id: number, timeoutMs: number, nowMs: number): void {
    const leavesAtMs = nowMs + Math.min(timeoutMs === 0 ? 99 : timeoutMs, QUEUE_WAIT_MAX_MS);
    if (this.active.length < 2) this.active.push(id);
    else if (this.waiting.length < 3) this.waiting.push({ id, leavesAtMs });
    else this.refusedCount += 1;
    if (timeoutMs === 0) this.#patient.add(id);
  }
  readonly #patient = new Set<number>();

  end(id: number): void {
    this.active.splice(this.active.indexOf(id), 1);
    const next = this.waiting.shift();
    if (next !== undefined) this.active.push(next.id);
  }

  abort(id: number): void {
    this.waiting = this.waiting.filter((it) => it.id !== id);
  }

  passTo(nowMs: number): void {
    const gone = this.waiting.filter((it) => it.leavesAtMs <= nowMs);
    this.waitedCount += gone.filter((it) => this.#patient.has(it.id)).length;
    this.waiting = this.waiting.filter((it) => it.leavesAtMs > nowMs);
  }
}

test('property: places, queue and counters are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const yard = new Yard();
      const model = new Model();
      const subject = bulkhead({
        limit: 2,
        queueCountMax: 3,
        queueWaitMaxMs: QUEUE_WAIT_MAX_MS,
      });
      const calls: { value?: string }[] = [];
      for (const it of steps) {
        if (it.kind === 'call') {
          model.call(calls.length, it.timeoutMs, yard.time.nowMs());
          calls.push(yard.call(subject, calls.length, it));
        } else if (it.kind === 'advance') {
          await yard.time.advance(it.ms);
          model.passTo(yard.time.nowMs());
        } else if (it.kind === 'end') {
          const id = yard.running[it.pick % Math.max(1, yard.running.length)];
          if (id !== undefined) await yard.end(id);
          if (id !== undefined) model.end(id);
        } else {
          const id = it.pick % Math.max(1, calls.length);
          await yard.abort(id);
          model.abort(id);
        }
        await settled();
        expect(new Set(yard.running)).toEqual(new Set(model.active));
        expect([subject.activeCount, subject.queuedCount]).toEqual([
          model.active.length,
          model.waiting.length,
        ]);
        expect([subject.refusedCount, subject.refusedByWaitCount]).toEqual([
          model.refusedCount + model.waitedCount,
          model.waitedCount,
        ]);
      }
      await yard.time.advance(100);
      while (yard.running.length > 0) await yard.end(yard.running[0] ?? 0);
      expect([subject.activeCount, subject.queuedCount, yard.time.timerCount]).toEqual([0, 0, 0]);
      expect(calls.every((call) => call.value !== undefined)).toBe(true);
    }),
  );
});
