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
];

test.each(cases)('$kind: $name', ({ kind, stages, drawn }) => {
  expect(play(kind, stages, drawn)).toEqual(stages.map((stage) => stage.picks));
});
