/** Turns by earliest deadline, against an obvious simulation; and how even turns are. */
import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import { Roster } from '../roster.ts';
import { EdfTurns } from './edf-turns.ts';
import { SmoothTurns } from './smooth-turns.ts';

function setOf(weights: readonly number[]): EndpointSet<{ id: string; weight: number }> {
  const set = new EndpointSet<{ id: string; weight: number }>();
  set.update(
    weights.map((weight, index) => ({ id: `e${index}`, weight })),
    0,
  );
  return set;
}

const start = (): number => 0;

function letters(picks: readonly number[]): string {
  return picks.map((index) => (index < 0 ? '-' : 'abcdefghij'.charAt(index))).join('');
}

/** Sorts everybody before each turn. Who is refused loses the turn. */
class Simulation {
  readonly #weights: readonly number[];
  #line: { index: number; deadline: number }[];
  #now = 0;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#line = weights
      .map((weight, index) => ({ index, deadline: 1 / weight }))
      .filter((it) => it.deadline < Infinity);
  }

  next(admits: (index: number) => boolean): number {
    for (let turn = 0; turn < 8; turn += 1) {
      // The sort is stable: of equal ones whoever joined first.
      this.#line.sort((one, other) => one.deadline - other.deadline);
      const [first] = this.#line;
      if (first === undefined) return -1;
      if (this.#had(first) && admits(first.index)) return first.index;
    }
    this.#line.sort((one, other) => one.deadline - other.deadline);
    const found = this.#line.find((it) => admits(it.index));
    return found !== undefined && this.#had(found) ? found.index : -1;
  }

  #had(entry: { index: number; deadline: number }): boolean {
    this.#now = Math.max(this.#now, entry.deadline);
    this.#line = this.#line.filter((it) => it !== entry);
    const weight = this.#weights[entry.index] ?? 0;
    this.#line.push({ index: entry.index, deadline: this.#now + 1 / weight });
    return true;
  }
}

test.each([
  {
    name: 'who is due first, of equals who waits longer',
    weights: [4, 1, 1],
    picks: 'aaabcaaaabca',
  },
  { name: 'equals in the order of the list', weights: [1, 1, 1], picks: 'abcabc' },
  { name: 'weight 0 never', weights: [0, 2, 1], picks: 'bcbbcb' },
  { name: 'nobody', weights: [0, 0], picks: '---' },
])('turns: $name', ({ weights, picks }) => {
  const turns = new EdfTurns(setOf(weights));
  expect(letters(Array.from(picks, () => turns.next(start, undefined)))).toBe(picks);
});

test("the first turn is anybody's by weight, so that light ones are reached", () => {
  // No two are ever due at once, so that nothing hangs on ties.
  const weights = [9.1, 1.03, 6.37, 0.47, 3.03];
  const counts = weights.map(() => 0);
  const rng = seededRng(4);
  for (let caller = 0; caller < 10_000; caller += 1) {
    const index = new EdfTurns(setOf(weights)).next(rng, undefined);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const [index, weight] of weights.entries()) {
    expect(Math.abs((counts[index] ?? 0) / 10_000 - weight / 20)).toBeLessThan(0.015);
  }
});

test('who may not be picked loses the turn and comes back without arrears', () => {
  const turns = new EdfTurns(setOf([1, 1, 1]));
  const play = (out: number, count: number): string =>
    letters(Array.from({ length: count }, () => turns.next(start, (index) => index !== out)));
  expect(play(0, 6)).toBe('bcbcbc');
  expect(play(-1, 6)).toBe('abcabc');
});

test('a change of weight keeps the place in the line', () => {
  const set = setOf([1, 1, 4]);
  const turns = new EdfTurns(set);
  const play = (count: number): string =>
    letters(Array.from({ length: count }, () => turns.next(start, undefined)));
  expect(play(4)).toBe('ccca');
  // b was due now and is, whatever its weight became; a waits a tenth as long.
  set.update(
    [
      { id: 'e0', weight: 10 },
      { id: 'e1', weight: 1 },
      { id: 'e2', weight: 1 },
    ],
    1,
  );
  expect(play(4).startsWith('b')).toBe(true);
});

test('a newcomer is due after a turn of its weight', () => {
  const set = setOf([1, 1]);
  const turns = new EdfTurns(set);
  const picks = [turns.next(start, undefined)];
  set.update(
    ['e2', 'e0', 'e1'].map((id) => ({ id, weight: 1 })),
    0,
  );
  picks.push(...Array.from({ length: 6 }, () => turns.next(start, undefined)));
  // The first pick was of e0; from then on the indexes are e2, e0, e1.
  expect(letters(picks)).toBe('acbacba');
});

test('says how long each has to wait, after an update too, and changes nothing by that', () => {
  const set = setOf([4, 1, 0]);
  const turns = new EdfTurns(set);
  const never = Number.POSITIVE_INFINITY;
  expect(turns.waits()).toEqual([never, never, never]);
  expect(turns.next(start, undefined)).toBe(0);
  expect(turns.waits()).toEqual([0.25, 0.75, never]);
  set.update(
    ['e1', 'e3', 'e0'].map((id) => ({ id, weight: 1 })),
    0,
  );
  // A quarter of a turn of weight 4 is a whole one of weight 1.
  expect(turns.waits()).toEqual([0.75, 1, 1]);
  expect(Array.from({ length: 4 }, () => turns.next(start, undefined))).toEqual([0, 2, 1, 0]);
});

test('property: as the simulation does, whoever is refused', () => {
  const weights = fc.array(fc.constantFrom(0, 0.5, 1, 2, 3, 4, 8), { minLength: 1, maxLength: 12 });
  const refusals = fc.array(fc.array(fc.nat(11), { maxLength: 12 }), { maxLength: 60 });
  fc.assert(
    fc.property(weights, refusals, (all, refused) => {
      const turns = new EdfTurns(setOf(all));
      const simulation = new Simulation(all);
      for (const out of refused) {
        const admits = (index: number): boolean => !out.includes(index);
        expect(turns.next(start, admits)).toBe(simulation.next(admits));
      }
    }),
  );
});

test('who left for another part of the set and came back has no place from before', () => {
  const set = setOf([1, 1, 1e-6]);
  const part = new Roster<{ id: string; weight: number }>(set.table);
  const turns = new EdfTurns(part);
  /** The turns of those of `ids` that are at these indexes of the set. */
  const play = (ids: readonly number[], weightOfFirst: number, count: number): string => {
    const weights = [weightOfFirst, 1, 1e-6];
    set.update(
      weights.map((weight, index) => ({ id: `e${index}`, weight })),
      0,
    );
    part.assign(
      ids.map((index) => set.at(index)),
      Int32Array.from(ids, (index) => set.slotAt(index)),
    );
    return letters(Array.from({ length: count }, () => turns.next(() => 0.99, undefined)));
  };
  // Time begins far out; while b is elsewhere it is moved back to 0.
  play([0, 1, 2], 1, 4);
  play([0, 2], 1e9, 4);
  expect(play([0, 1, 2], 1, 20).split('b').length - 1).toBeGreaterThan(8);
});

test('asking how long each has to wait does not fix the place of a newcomer', () => {
  const play = (isAsked: boolean): number[] => {
    const set = new EndpointSet({ slowStart: { windowMs: 100 } });
    const old = ['a', 'b'].map((id) => ({ id, weight: 1 }));
    set.update(old, 0);
    set.tick(100);
    const turns = new EdfTurns(set);
    turns.next(start, undefined);
    set.update([...old, { id: 'c', weight: 1 }], 200);
    if (isAsked) expect(turns.waits()[2]).toBe(10);
    set.tick(300);
    return Array.from({ length: 9 }, () => turns.next(start, undefined));
  };
  expect(play(true)).toEqual(play(false));
});

/** Greatest distance from the share that is due, and longest run, in 5,000 turns. */
function evenness(weights: readonly number[], next: () => number) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = weights.map(() => 0);
  let distance = 0;
  let longest = 0;
  let run = 0;
  let before = -1;
  for (let made = 1; made <= 5_000; made += 1) {
    const index = next();
    counts[index] = (counts[index] ?? 0) + 1;
    run = index === before ? run + 1 : 1;
    before = index;
    longest = Math.max(longest, run);
    for (const [each, weight] of weights.entries()) {
      distance = Math.max(distance, Math.abs((counts[each] ?? 0) - (made * weight) / total));
    }
  }
  return { distance: Math.round(distance * 100) / 100, longest };
}

test.each([
  {
    weights: [5, 1, 1],
    smooth: { distance: 0.57, longest: 4 },
    edf: { distance: 1.43, longest: 6 },
  },
  {
    weights: [10, 1, 1, 1],
    smooth: { distance: 0.69, longest: 6 },
    edf: { distance: 2.31, longest: 11 },
  },
])('evenness of $weights: smooth spreads better', ({ weights, smooth, edf }) => {
  const smoothTurns = new SmoothTurns(setOf(weights));
  const edfTurns = new EdfTurns(setOf(weights));
  expect(evenness(weights, () => smoothTurns.next(undefined))).toEqual(smooth);
  const { distance, longest } = evenness(weights, () => edfTurns.next(start, undefined));
  // Ties by rounding may fall otherwise than in the place where the numbers were measured.
  expect(distance).toBeLessThanOrEqual(edf.distance);
  expect(longest).toBeLessThanOrEqual(edf.longest);
});

test('property: in 1,000 turns of 40 nobody is further than four turns from its share', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(weights, fc.nat(), (all, seed) => {
      const turns = new EdfTurns(setOf(all));
      const rng = seededRng(seed);
      const counts = all.map(() => 0);
      for (let made = 0; made < 1_000; made += 1) {
        const index = turns.next(rng, undefined);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      const total = all.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of all.entries()) {
        expect(Math.abs((counts[index] ?? 0) - (1_000 * weight) / total)).toBeLessThan(4);
      }
    }),
    { numRuns: 50 },
  );
});

test('time is moved back before rounding could change the shares', () => {
  const turns = new EdfTurns(setOf([1e9, 0.95e9, 1e-6]));
  // The cycle of the lightest is 10¹⁵ turns of the others: its start is drawn far out, where a turn
  // of the others is nine times what a double can tell apart.
  const picks = Array.from({ length: 10_000 }, () => turns.next(() => 0.999_999, undefined));
  expect(Math.abs(picks.filter((it) => it === 0).length - 10_000 / 1.95)).toBeLessThan(10);
});
