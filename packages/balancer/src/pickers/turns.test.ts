/** Transcripts of the pickers that take turns. */
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerKind } from './create-picker.ts';

interface Stage {
  /** `a5 b1`: the endpoints from here on, with their weights. */
  readonly set?: string;
  /** Ids that are not admitted. */
  readonly out?: string;
  readonly picks: string;
}

function parse(text: string): Member[] {
  return text.split(' ').map((part) => ({ id: part.charAt(0), weight: Number(part.slice(1)) }));
}

/** Plays the stages on one picker, as many picks as each foresees; `-` is none. */
function play(kind: PickerKind, stages: readonly Stage[], drawn = 0): string[] {
  const set = new EndpointSet<Member>();
  const picker = createPicker(kind, set);
  return stages.map(({ set: text, out = '', picks }) => {
    if (text !== undefined) set.update(parse(text), 0);
    const admits = (index: number): boolean => !out.includes(set.at(index).id);
    return Array.from(picks, () => {
      const index = picker.pick(0, () => drawn, admits);
      return index < 0 ? '-' : set.at(index).id;
    }).join('');
  });
}

const cases: { name: string; kind: PickerKind; drawn?: number; stages: Stage[] }[] = [
  { name: 'in turn', kind: 'roundRobin', stages: [{ set: 'a1 b1 c1', picks: 'abcabca' }] },
  {
    name: 'the first turn is drawn',
    kind: 'roundRobin',
    drawn: 0.5,
    stages: [{ set: 'a1 b1 c1 d1', picks: 'cdabc' }],
  },
  {
    name: 'weights do not matter, but 0 does',
    kind: 'roundRobin',
    stages: [{ set: 'a9 b0 c1', picks: 'acac' }],
  },
  {
    name: 'passes over those that are out',
    kind: 'roundRobin',
    stages: [
      { set: 'a1 b1 c1', out: 'b', picks: 'acac' },
      { picks: 'abc' },
      { out: 'abc', picks: '--' },
    ],
  },
  {
    name: 'goes on after an update',
    kind: 'roundRobin',
    stages: [
      { set: 'a1 b1 c1', picks: 'ab' },
      { set: 'a1 b1 c1 d1', picks: 'cdab' },
      { set: 'a1', picks: 'aa' },
    ],
  },
  {
    name: "nginx's own example",
    kind: 'weighted',
    stages: [{ set: 'a5 b1 c1', picks: 'aabacaaaabacaa' }],
  },
  {
    name: 'equal weights take turns',
    kind: 'weighted',
    stages: [{ set: 'a2 b2 c2', picks: 'abcabc' }],
  },
  { name: 'fractions', kind: 'weighted', stages: [{ set: 'a0.5 b0.25 c0.25', picks: 'abcaabca' }] },
  {
    name: 'weight 0 is never picked',
    kind: 'weighted',
    stages: [{ set: 'a0 b1 c1', picks: 'bcbc' }],
  },
  {
    name: 'who is out neither earns nor pays',
    kind: 'weighted',
    stages: [
      { set: 'a5 b1 c1', picks: 'aabacaa' },
      { out: 'a', picks: 'bcbc' },
      { picks: 'aabacaa' },
    ],
  },
  {
    name: 'credit survives an update, a newcomer has none',
    kind: 'weighted',
    stages: [
      { set: 'a5 b1 c1', picks: 'aab' },
      { set: 'c1 a5 b1', picks: 'acaa' },
      { set: 'd5 a5', picks: 'dada' },
    ],
  },
  {
    name: 'one who returns begins anew',
    kind: 'weighted',
    stages: [
      { set: 'a1 b3', picks: 'b' },
      { set: 'a1', picks: 'aa' },
      { set: 'a1 b3', picks: 'babb' },
    ],
  },
  {
    name: 'new weights hold at once',
    kind: 'weighted',
    stages: [
      { set: 'a1 b1', picks: 'abab' },
      { set: 'a3 b1', picks: 'aabaaaba' },
    ],
  },
  {
    name: 'new weights hold at once, however large the old ones were',
    kind: 'weighted',
    stages: [
      { set: 'a1000 b1000', picks: 'a' },
      { set: 'a1 b1', picks: 'baba' },
      { set: 'a1000 b1000', picks: 'baba' },
    ],
  },
  {
    name: 'who was light beside a heavy one is not owed its turns when that is out',
    kind: 'weighted',
    stages: [
      { set: 'a30 b1 c1', picks: 'aaaaaaaaaab' },
      { out: 'a', picks: 'cbcbcb' },
      { picks: 'aaaaaaaa' },
    ],
  },
];

test.each(cases)('$kind: $name', ({ kind, stages, drawn }) => {
  expect(play(kind, stages, drawn)).toEqual(stages.map((stage) => stage.picks));
});

test.each([
  { name: 'as it goes on after the list has shrunk', before: 'a1 b1 c1', after: 'a1 b1' },
  { name: 'with somebody who has no weight', before: 'a1', after: 'a1 b0 c1' },
  { name: 'as before', before: 'a1 b1 c1', after: 'a1 b1 c1' },
])('roundRobin explains who is next: $name', ({ before, after }) => {
  for (const count of [1, 2, 3]) {
    const set = new EndpointSet<Member>();
    const picker = createPicker('roundRobin', set);
    set.update(parse(before), 0);
    for (let made = 0; made < count; made += 1) picker.pick(0, () => 0);
    set.update(parse(after), 0);
    const scores = picker.explain(0).map((it) => it.score);
    const next = picker.pick(0, () => 0);
    expect(next).toBe(scores.indexOf(Math.min(...scores)));
    for (const [index, score] of scores.entries()) {
      expect(Number.isFinite(score)).toBe(set.weightAt(index) > 0);
    }
  }
});

test('roundRobin explains the turns of a slow start', () => {
  const set = new EndpointSet<Member>({ slowStart: { windowMs: 1_000 } });
  set.update(parse('a1 b1'), 0);
  const picker = createPicker('roundRobin', set);
  for (let made = 0; made < 7; made += 1) picker.pick(2_000, () => 0);
  set.update(parse('c1 a1 b1'), 2_000);
  picker.pick(2_000, () => 0);
  for (let made = 0; made < 9; made += 1) {
    const scores = picker.explain(2_000).map((it) => it.score);
    // Nobody is due before who is picked.
    expect(scores[picker.pick(2_000, () => 0)]).toBe(Math.min(...scores));
  }
});

test('weighted: a look at the credits between updates forgets nothing', () => {
  const many = Array.from({ length: 40 }, (_, index) => ({ id: `e${index}`, weight: 1 + index }));
  const play = (isAsked: boolean): number[] => {
    const set = new EndpointSet<Member>();
    const picker = createPicker('weighted', set);
    set.update(many, 0);
    const picks = Array.from({ length: 50 }, () => picker.pick(0, () => 0.3));
    set.update(many.slice(0, 30), 0);
    if (isAsked) picker.explain(0);
    set.update(many, 0);
    return [...picks, ...Array.from({ length: 50 }, () => picker.pick(0, () => 0.7))];
  };
  expect(play(true)).toEqual(play(false));
});
