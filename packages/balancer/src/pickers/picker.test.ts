/** What holds for every kind of picker. */
import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerKind } from './create-picker.ts';
import type { Picker } from './picker.ts';

const kinds: readonly PickerKind[] = [
  'roundRobin',
  'weighted',
  'leastRequest',
  'peakEwma',
  'random',
  'maglev',
  'ringHash',
  'rendezvous',
];

function setOf(weights: readonly number[]): EndpointSet<Member> {
  const set = new EndpointSet<Member>();
  set.update(
    weights.map((weight, index) => ({ id: `e${index}`, weight })),
    0,
  );
  return set;
}

const all = (): boolean => true;
const none = (): boolean => false;

test.each(kinds)('%s: of nothing, of nobody and of one', (kind) => {
  const rng = seededRng(1);
  expect(createPicker(kind, setOf([])).pick(0, rng, all)).toBe(-1);
  expect(createPicker(kind, setOf([0, 0])).pick(0, rng, all)).toBe(-1);
  expect(createPicker(kind, setOf([1, 1, 1])).pick(0, rng, none)).toBe(-1);
  expect(createPicker(kind, setOf([1])).pick(0, rng, all)).toBe(0);
  expect(createPicker(kind, setOf([0, 3, 0])).pick(0, rng, all)).toBe(1);
  expect(createPicker(kind, setOf([1, 1, 1])).pick(0, rng, (index) => index === 2)).toBe(2);
  expect(createPicker(kind, setOf([1, 5, 9])).pick(0, rng, (index) => index === 0)).toBe(0);
  // Without `admits` all may be picked.
  expect(createPicker(kind, setOf([])).pick(0, rng)).toBe(-1);
  expect(createPicker(kind, setOf([0, 0])).pick(0, rng)).toBe(-1);
  expect(createPicker(kind, setOf([0, 3, 0])).pick(0, rng)).toBe(1);
});

test.each(kinds)('%s: one of a thousand that is left is found', (kind) => {
  for (const weights of [Array.from({ length: 1_000 }, () => 1), undefined]) {
    const picker = createPicker(
      kind,
      setOf(weights ?? Array.from({ length: 1_000 }, (_, at) => 1 + at)),
    );
    const rng = seededRng(2);
    for (const left of [0, 500, 999]) {
      expect(picker.pick(0, rng, (index) => index === left)).toBe(left);
    }
  }
});

test.each(kinds)('%s: does the same for the same calls, times and draws', (kind) => {
  const play = (): number[] => {
    const set = setOf([3, 1, 2, 5]);
    const picker = createPicker(kind, set);
    const rng = seededRng(77);
    return Array.from({ length: 200 }, (_, nowMs) => {
      const index = picker.pick(nowMs, rng);
      picker.started(index, nowMs);
      if (nowMs % 3 > 0) picker.ended(index, nowMs, nowMs % 17, 'success');
      picker.explain(nowMs);
      return index;
    });
  };
  expect(play()).toEqual(play());
});

test.each(kinds)('%s: time that runs backwards does no harm', (kind) => {
  const set = new EndpointSet<Member>({ slowStart: { windowMs: 100 } });
  const picker = createPicker(kind, set);
  const rng = seededRng(9);
  for (const nowMs of [1_000, 500, 1_050, 0, 2_000, -5]) {
    const members = [`${nowMs}`, 'a', 'b'].map((id) => ({ id, weight: 1 }));
    set.update(members, nowMs);
    const index = picker.pick(nowMs, rng);
    expect(index).toBeGreaterThanOrEqual(0);
    picker.started(index, nowMs);
    picker.ended(index, nowMs - 10, 5, 'success');
    expect(picker.explain(nowMs).every((it) => !Number.isNaN(it.score))).toBe(true);
  }
});

test.each(kinds)('%s: explains every endpoint, in order', (kind) => {
  const picker = createPicker(kind, setOf([1, 0, 2]));
  const scores = picker.explain(5);
  expect(scores.map(({ id }) => id)).toEqual(['e0', 'e1', 'e2']);
  expect(scores.some(({ score }) => Number.isNaN(score))).toBe(false);
});

test.each(kinds)('%s: another picker may take over with calls under way', (kind) => {
  const set = setOf([1, 1]);
  const before = createPicker('peakEwma', set);
  before.started(0, 0);
  before.started(0, 0);
  const after = createPicker(kind, set);
  after.ended(0, 10, 10, 'success');
  expect(set.inFlightAt(0)).toBe(1);
});

type Event =
  | { readonly kind: 'pick'; readonly refused: readonly number[] }
  | {
      readonly kind: 'end';
      readonly which: number;
      readonly tookMs: number;
      readonly isGood: boolean;
    }
  | { readonly kind: 'update'; readonly weights: readonly number[] };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('pick' as const),
      refused: fc.array(fc.nat(7), { maxLength: 8 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(9),
      tookMs: fc.nat(9_000),
      isGood: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      weights: fc.array(fc.nat(3), { maxLength: 12 }),
    }),
  },
);

/** Checks the law of `pick` after each event; endpoints come and go while calls are under way. */
function play(kind: PickerKind, events: readonly Event[]): void {
  const set = new EndpointSet<Member>({ slowStart: { windowMs: 20 } });
  set.update(
    [1, 2, 0, 1].map((weight, index) => ({ id: `e${index}`, weight })),
    0,
  );
  const picker: Picker = createPicker(kind, set);
  const rng = seededRng(3);
  const underWay: string[] = [];
  for (const [nowMs, it] of events.entries()) {
    if (it.kind === 'update') {
      set.update(
        it.weights.map((weight, index) => ({ id: `e${(index * 5) % 13}`, weight })),
        nowMs,
      );
    } else if (it.kind === 'end') {
      const [id] = underWay.splice(it.which, 1);
      const index = id === undefined ? -1 : set.indexOf(id);
      if (index >= 0) picker.ended(index, nowMs, it.tookMs, it.isGood ? 'success' : 'failure');
    } else {
      const may = (index: number): boolean =>
        set.weightAt(index) > 0 && !it.refused.includes(index);
      const admits = (asked: number): boolean => !it.refused.includes(asked);
      const index = picker.pick(nowMs, rng, it.refused.length === 0 ? undefined : admits);
      const eligible = Array.from({ length: set.length }, (_, each) => each).filter(may);
      if (eligible.length === 0) expect(index).toBe(-1);
      else expect(eligible).toContain(index);
      if (index < 0) continue;
      picker.started(index, nowMs);
      underWay.push(set.at(index).id);
    }
  }
}

test.each(kinds)('property, %s: picks one that may be picked whenever there is one', (kind) => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 80, size: 'max' }), (events) => play(kind, events)),
  );
});

test('property, roundRobin: whole rounds are even, whatever the weights', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 5 }),
      fc.nat(99),
      (count, rounds, seed) => {
        const weights = Array.from({ length: count }, (_, index) => index + 1);
        const picker = createPicker('roundRobin', setOf(weights));
        const rng = seededRng(seed);
        const picks = Array.from({ length: count * rounds }, () => picker.pick(0, rng, all));
        expect(weights.map((_, index) => picks.filter((it) => it === index).length)).toEqual(
          weights.map(() => rounds),
        );
      },
    ),
  );
});

test('property, weighted: in every cycle each has its weight, evenly spread', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }),
      fc.nat(30),
      (weights, skip) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        if (total === 0) return;
        const picker = createPicker('weighted', setOf(weights));
        const rng = seededRng(0);
        for (let index = 0; index < total * skip; index += 1) picker.pick(0, rng, all);
        const counts = weights.map(() => 0);
        for (let made = 1; made <= total; made += 1) {
          const picked = picker.pick(0, rng, all);
          counts[picked] = (counts[picked] ?? 0) + 1;
          for (const [index, weight] of weights.entries()) {
            // Smooth: never further than one round of the others from its share.
            expect(Math.abs((counts[index] ?? 0) - (made * weight) / total)).toBeLessThan(
              weights.length,
            );
          }
        }
        expect(counts).toEqual(weights);
      },
    ),
  );
});
