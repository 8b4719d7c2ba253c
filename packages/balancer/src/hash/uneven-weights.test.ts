/** Weights that are far apart: what they may cost, and what is refused. */
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { MaglevTable } from './maglev-table.ts';
import { RendezvousTable } from './rendezvous-table.ts';
import { RingTable } from './ring-table.ts';

function hostsOf(weights: readonly number[]) {
  return weights.map((weight, index) => ({ key: `10.3.0.${index}:80`, weight }));
}

/** The rounds of Envoy as they are written: every host is asked in every round. */
function countsByRounds(shares: readonly number[], tableSize: number): readonly number[] {
  const counts = shares.map(() => 0);
  const given = shares.map(() => 0);
  const most = Math.max(...shares);
  let left = tableSize;
  for (let round = 1; left > 0; round += 1) {
    for (const [at, share] of shares.entries()) {
      if (left === 0 || round * share < (given[at] ?? 0)) continue;
      given[at] = (given[at] ?? 0) + most;
      counts[at] = (counts[at] ?? 0) + 1;
      left -= 1;
    }
  }
  return counts;
}

test.each([
  { name: 'one of two hundred times', weights: [200, ...Array<number>(99).fill(1)] },
  { name: 'halves, thirds and tenths', weights: [30, 15, 10, 3, 20, 29, 1] },
  { name: 'every weight another', weights: Array.from({ length: 70 }, (_, at) => 1 + at * at) },
])('hosts have as many entries as round after round gives them: $name', ({ weights }) => {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  // Keys of the same length, so that their order is the list's.
  const hosts = weights.map((weight, at) => ({ key: `host ${1_000 + at}`, weight }));
  const { entries } = new MaglevTable(hosts, { tableSize: 4_099 });
  const counts = weights.map((_, host) => entries.filter((it) => it === host).length);
  expect(counts).toEqual(
    countsByRounds(
      weights.map((weight) => weight / sum),
      4_099,
    ),
  );
});

test('one beside a thousand of a millionth of its weight: they have one entry each', () => {
  const { entries } = new MaglevTable(hostsOf([1_000_000, ...Array<number>(999).fill(1)]));
  const counts = new Int32Array(1_000);
  for (const host of entries) counts[host] = (counts[host] ?? 0) + 1;
  expect(counts[0]).toBe(65_537 - 999);
  expect(counts.subarray(1).every((count) => count === 1)).toBe(true);
});

test.each([-1, 1e-9, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])(
  'refuses a weight of %d',
  (weight) => {
    for (const Table of [MaglevTable, RingTable, RendezvousTable]) {
      expect(() => new Table(hostsOf([1, weight]))).toThrow(InvalidOptionError);
      const localities = [{ weight, hosts: [0] }];
      expect(() => new Table(hostsOf([1]), { localities })).toThrow(InvalidOptionError);
    }
  },
);
