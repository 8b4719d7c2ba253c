import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import { createPicker } from './create-picker.ts';
import type { LeastRequestOptions } from './least-request.ts';

const all = (): boolean => true;

/** Endpoints with so many calls under way, all of the weights 1 unless given. */
function bench(actives: readonly number[], options: LeastRequestOptions = {}, weights?: number[]) {
  const set = new EndpointSet();
  set.update(
    actives.map((_, index) => ({ id: `e${index}`, weight: weights?.[index] ?? 1 })),
    0,
  );
  for (const [index, count] of actives.entries()) {
    for (let call = 0; call < count; call += 1) set.countIn(index);
  }
  return { set, picker: createPicker('leastRequest', set, options) };
}

/** Draws these places of so many; after the last one, none. */
function draws(count: number, places: readonly number[]) {
  let drawn = 0;
  return {
    rng: (): number => {
      const place = places[drawn] ?? Number.NaN;
      drawn += 1;
      return (place + 0.5) / count;
    },
    count: (): number => drawn,
  };
}

// Envoy draws the priority first; with a single one Leno draws nothing for it.
test.each([
  { name: 'five choices', choiceCount: 5, places: [3, 0, 3, 2, 1], picked: 3, drawn: 5 },
  { name: 'two choices by default', choiceCount: undefined, places: [0, 3], picked: 3, drawn: 2 },
  { name: 'two others', choiceCount: undefined, places: [0, 1], picked: 1, drawn: 2 },
  { name: 'one drawn twice', choiceCount: 2, places: [0, 0], picked: 0, drawn: 2 },
  { name: 'one choice is any', choiceCount: 1, places: [0], picked: 0, drawn: 1 },
])('LB-05 actives 4, 3, 2, 1: $name', ({ choiceCount, places, picked, drawn }) => {
  const { picker } = bench([4, 3, 2, 1], { choiceCount });
  const draw = draws(4, places);
  expect([picker.pick(0, draw.rng, all), draw.count()]).toEqual([picked, drawn]);
});

test.each([
  { places: [2, 1], picked: 2 },
  { places: [1, 2], picked: 1 },
])('of equal ones the first that was drawn: $places', ({ places, picked }) => {
  const { picker } = bench([5, 1, 1]);
  expect(picker.pick(0, draws(3, places).rng)).toBe(picked);
});

test('LB-05 full scan: of 1,000,000 picks each of 3 tied gets a third, the others none', () => {
  const { picker } = bench([1, 0, 3, 0, 0, 2], { scan: 'full' });
  const counts = new Float64Array(6);
  const rng = seededRng(17);
  for (let made = 0; made < 1_000_000; made += 1) {
    const index = picker.pick(0, rng);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  expect([counts[0], counts[2], counts[5]]).toEqual([0, 0, 0]);
  for (const index of [1, 3, 4]) {
    expect(Math.abs((counts[index] ?? 0) - 333_333)).toBeLessThan(5_000);
  }
});

test.each<{ scan: 'choices' | 'full'; out: readonly number[]; shares: readonly number[] }>([
  { scan: 'choices', out: [], shares: [0.25, 0.25, 0.25, 0.25] },
  { scan: 'choices', out: [2], shares: [1 / 3, 1 / 3, 0, 1 / 3] },
  { scan: 'choices', out: [0, 1, 2], shares: [0, 0, 0, 1] },
  { scan: 'full', out: [0], shares: [0, 1 / 3, 1 / 3, 1 / 3] },
])('equals get equal shares: $scan without $out', ({ scan, out, shares }) => {
  const { picker } = bench([1, 1, 1, 1], { scan });
  const rng = seededRng(3);
  const counts = shares.map(() => 0);
  for (let made = 0; made < 20_000; made += 1) {
    const index = picker.pick(0, rng, (it) => !out.includes(it));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const [index, share] of shares.entries()) {
    expect(Math.abs((counts[index] ?? 0) / 20_000 - share)).toBeLessThan(0.015);
  }
});

test('of few that are left the least busy of those drawn is picked', () => {
  const { picker } = bench([...Array.from({ length: 50 }, () => 0), 2, 1], { choiceCount: 50 });
  const rng = seededRng(4);
  const picks = Array.from({ length: 50 }, () => picker.pick(0, rng, (index) => index >= 50));
  expect(new Set(picks)).toEqual(new Set([51]));
});

test('a bias other than 1 counts to its power', () => {
  const { picker } = bench([3, 0], { activeBias: 2 }, [16, 0.5]);
  const picks = Array.from({ length: 30 }, () => picker.pick(0, () => 0));
  // 16 ÷ 4² is twice 0.5.
  expect(picks.filter((index) => index === 0)).toHaveLength(20);
});

/** Each call lasts ten picks; the shares of 20,000. */
function sharesOf(weights: number[], options: LeastRequestOptions, busy = -1): number[] {
  const { set, picker } = bench(
    weights.map(() => 0),
    options,
    weights,
  );
  for (let call = 0; busy >= 0 && call < 9; call += 1) set.countIn(busy);
  const rng = seededRng(8);
  const underWay: number[] = [];
  const counts = weights.map(() => 0);
  for (let made = 0; made < 20_000; made += 1) {
    const index = picker.pick(made, rng);
    counts[index] = (counts[index] ?? 0) + 1;
    picker.started(index, made);
    underWay.push(index);
    if (underWay.length > 10) picker.ended(underWay.shift() ?? -1, made, 10, 'success');
  }
  return counts.map((it) => Math.round((it * 100) / 20_000) / 100);
}

test.each([
  { name: 'bias 0 is by weight alone', options: { activeBias: 0 }, busy: 1, shares: [0.75, 0.25] },
  { name: 'bias 1 keeps off the busy', options: {}, busy: 0, shares: [0.53, 0.47] },
])('where weights differ: $name', ({ options, busy, shares }) => {
  const got = sharesOf([3, 1], options, busy);
  for (const [index, share] of shares.entries()) {
    expect(Math.abs((got[index] ?? 0) - share)).toBeLessThan(0.02);
  }
});

test('where weights differ the weight is read when an endpoint has had its turn', () => {
  const { set, picker } = bench([0, 0], {}, [2, 1]);
  const start = (): number => 0;
  expect(picker.pick(0, start)).toBe(0);
  // 0 is due again at 1, as 1 is, who waits longer; with a call under way it would be at 1.5.
  set.countIn(0);
  expect([picker.pick(0, start), picker.pick(0, start)]).toEqual([1, 0]);
  // Its next turn is 1 after the last, not 0.5.
  expect([picker.pick(0, start), picker.pick(0, start)]).toEqual([1, 0]);
});

test.each([
  ['choiceCount', 0],
  ['choiceCount', 1.5],
  ['choiceCount', 101],
  ['activeBias', -1],
  ['activeBias', Number.NaN],
  ['scan', 'some'],
])('refuses %s = %s', (name, value) => {
  expect(() => bench([0], { [name]: value })).toThrow(
    expect.objectContaining({
      code: 'LENO_BALANCER_OPTION',
      problems: [expect.objectContaining({ path: name, value })],
    }),
  );
});
