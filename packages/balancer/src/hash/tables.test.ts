import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import {
  referenceMaglev,
  referenceRendezvous,
  referenceRing,
} from '../testing/reference-hashing.ts';
import { hashKey, hashToString } from './hash-key.ts';
import { MaglevTable } from './maglev-table.ts';
import { RendezvousTable } from './rendezvous-table.ts';
import { RingTable } from './ring-table.ts';

interface Host {
  readonly key: string;
  readonly weight: number;
}

const evenHosts = (count: number): readonly Host[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `10.${index >> 8}.${index & 255}.7:80`,
    weight: 1,
  }));

const fewHosts = fc.uniqueArray(
  fc.record({
    key: fc.string({ unit: 'binary', maxLength: 12 }),
    weight: fc.integer({ min: 1, max: 9 }),
  }),
  { selector: (host) => host.key, minLength: 1, maxLength: 12 },
);

test('property: a Maglev table is the one of the rules, entry by entry', () => {
  fc.assert(
    fc.property(fewHosts, fc.constantFrom(2, 11, 101, 251), (hosts, tableSize) => {
      const table = new MaglevTable(hosts, { tableSize });
      expect(Array.from(table.entries)).toEqual(referenceMaglev(hosts, tableSize));
    }),
  );
});

test('property: a ring is the one of the rules, point by point', () => {
  fc.assert(
    fc.property(fewHosts, fc.integer({ min: 1, max: 200 }), (hosts, minRingSize) => {
      const { pointsHi, pointsLo, pointHosts } = new RingTable(hosts, { minRingSize });
      const points = Array.from(pointHosts, (host, place) => ({
        hash: (BigInt(pointsHi[place] ?? 0) << 32n) | BigInt(pointsLo[place] ?? 0),
        host,
      }));
      expect(points).toEqual(referenceRing(hosts, minRingSize));
    }),
  );
});

test('the points of a ring are hashed as is asked', () => {
  const ring = new RingTable([{ key: '10.1.0.11:8080', weight: 1 }], {
    hashFunction: 'murmurHash2',
    minRingSize: 2,
  });
  const points = Array.from(ring.pointsHi, (hi, place) =>
    hashToString({ hi, lo: ring.pointsLo[place] ?? 0 }),
  );
  expect(points).toEqual(['13967314404712716837', '17041301170665824956']);
});

test('property: rendezvous finds the best score by the rules', () => {
  const hash = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  fc.assert(
    fc.property(fewHosts, fc.array(hash, { minLength: 20, maxLength: 20 }), (hosts, hashes) => {
      const table = new RendezvousTable(hosts);
      const found = hashes.map((it) => table.lookup(Number(it >> 32n), Number(it % 2n ** 32n), 0));
      expect(found).toEqual(hashes.map((it) => referenceRendezvous(hosts, it)));
      const again = hashes.map((it) => table.lookup(Number(it >> 32n), Number(it % 2n ** 32n), 3));
      const tried = hashes.map((it) => it ^ (2n ** 64n - 3n));
      expect(again).toEqual(tried.map((it) => referenceRendezvous(hosts, it)));
    }),
  );
});

test('property: the order of hosts means nothing to Maglev', () => {
  const orders = fewHosts.chain((hosts) =>
    fc.tuple(fc.constant(hosts), fc.shuffledSubarray([...hosts], { minLength: hosts.length })),
  );
  fc.assert(
    fc.property(orders, ([hosts, shuffled]) => {
      const keysOf = (list: readonly Host[]): readonly (string | undefined)[] =>
        Array.from(new MaglevTable(list, { tableSize: 101 }).entries, (host) => list[host]?.key);
      // Shares are summed in the order of the list; these sums are exact.
      expect(keysOf(shuffled)).toEqual(keysOf(hosts));
    }),
  );
});

test.each([
  { weights: [3, 3, 4], minRingSize: 3, maxRingSize: 20 },
  { weights: [3, 3, 4], minRingSize: 4, maxRingSize: 20 },
  { weights: [3, 3, 4], minRingSize: 6, maxRingSize: 20 },
  { weights: [3, 3, 4], minRingSize: 8, maxRingSize: 20 },
  { weights: [3, 3, 4], minRingSize: 8, maxRingSize: 8 },
])(
  'CH-03 points are as the weights 3, 3, 4 within 25 %, of $minRingSize to $maxRingSize',
  ({ weights, minRingSize, maxRingSize }) => {
    const hosts = weights.map((weight, index) => ({ key: `host-${index}`, weight }));
    const { pointHosts } = new RingTable(hosts, { minRingSize, maxRingSize });
    expect(pointHosts.length).toBeGreaterThanOrEqual(minRingSize);
    expect(pointHosts.length).toBeLessThanOrEqual(maxRingSize);
    for (const [index, weight] of weights.entries()) {
      const count = pointHosts.filter((host) => host === index).length;
      // A point is the smallest step there is.
      const should = (pointHosts.length * weight) / 10;
      expect(Math.abs(count - should)).toBeLessThanOrEqual(Math.max(1, should * 0.25));
    }
  },
);

test('the first point at or after the hash, and the first of all after the last', () => {
  const ring = new RingTable(evenHosts(5), { minRingSize: 100 });
  for (let place = 0; place < ring.pointHosts.length; place += 1) {
    const hi = ring.pointsHi[place] ?? 0;
    const lo = ring.pointsLo[place] ?? 0;
    expect(ring.lookup(hi, lo, 0)).toBe(ring.pointHosts[place]);
    expect(ring.lookup(hi | 0, lo | 0, 0)).toBe(ring.pointHosts[place]);
    const after = (place + 1) % ring.pointHosts.length;
    expect(ring.lookup(hi, lo, 1)).toBe(ring.pointHosts[after]);
    if (lo < 0xffff_ffff) expect(ring.lookup(hi, lo + 1, 0)).toBe(ring.pointHosts[after]);
  }
  expect(ring.lookup(0xffff_ffff, 0xffff_ffff, 0)).toBe(ring.pointHosts[0]);
});

test('another attempt looks at the hash xor 2^64 - a', () => {
  const table = new MaglevTable(evenHosts(5), { tableSize: 11 });
  for (const hash of [0n, 3n, 12_345_678_901_234_567_890n, (1n << 64n) - 1n]) {
    for (const attempt of [1n, 2n, 77n]) {
      const tried = hash ^ ((1n << 64n) - attempt);
      const found = table.lookup(Number(hash >> 32n), Number(hash & 0xffff_ffffn), Number(attempt));
      expect(found).toBe(table.entries[Number(tried % 11n)]);
    }
  }
});

test('a Maglev table is even to one entry', () => {
  const counts = new Array<number>(1_000).fill(0);
  for (const host of new MaglevTable(evenHosts(1_000)).entries) {
    counts[host] = (counts[host] ?? 0) + 1;
  }
  expect([Math.min(...counts), Math.max(...counts)]).toEqual([65, 66]);
});

test.each([
  { kind: 'ring', build: (hosts: readonly Host[]) => new RingTable(hosts), exact: false },
  {
    kind: 'rendezvous',
    build: (hosts: readonly Host[]) => new RendezvousTable(hosts),
    exact: true,
  },
  { kind: 'maglev', build: (hosts: readonly Host[]) => new MaglevTable(hosts), exact: false },
])(
  '$kind: when one of 100 leaves, 1 % of the keys move and at most 2 % more',
  ({ build, exact }) => {
    const hosts = evenHosts(100);
    const before = build(hosts);
    const after = build(hosts.map((host, index) => (index === 42 ? { ...host, weight: 0 } : host)));
    const keyCount = 20_000;
    let needless = 0;
    for (let index = 0; index < keyCount; index += 1) {
      const { hi, lo } = hashKey(`user-${index}`);
      const was = before.lookup(hi, lo, 0);
      if (was !== 42 && after.lookup(hi, lo, 0) !== was) needless += 1;
    }
    if (exact) expect(needless).toBe(0);
    expect(needless / keyCount).toBeLessThan(0.02);
  },
);

test('rendezvous gives each host its share, and each key always the same host', () => {
  const hosts = [1, 2, 3, 4].map((weight) => ({ key: `h${weight}`, weight }));
  const table = new RendezvousTable(hosts);
  const counts = [0, 0, 0, 0];
  const keyCount = 40_000;
  for (let index = 0; index < keyCount; index += 1) {
    const { hi, lo } = hashKey(`key-${index}`);
    const host = table.lookup(hi, lo, 0);
    expect(table.lookup(hi | 0, lo | 0, 0)).toBe(host);
    counts[host] = (counts[host] ?? 0) + 1;
  }
  for (const [index, count] of counts.entries()) {
    expect(Math.abs(count / keyCount - (index + 1) / 10)).toBeLessThan(0.015);
  }
});

test('of two hosts with one key, rendezvous finds the first', () => {
  expect(new RendezvousTable([...evenHosts(1), ...evenHosts(1)]).lookup(5, 6, 0)).toBe(0);
});

test('another attempt of rendezvous is another draw', () => {
  const table = new RendezvousTable(evenHosts(10));
  const found = Array.from({ length: 40 }, (_, attempt) => table.lookup(1, 2, attempt));
  expect(new Set(found).size).toBeGreaterThan(5);
});

const builds = [
  { kind: 'maglev', build: (hosts: readonly Host[]) => new MaglevTable(hosts, { tableSize: 11 }) },
  { kind: 'ring', build: (hosts: readonly Host[]) => new RingTable(hosts) },
  { kind: 'rendezvous', build: (hosts: readonly Host[]) => new RendezvousTable(hosts) },
];

test.each(builds)('$kind: nobody is found among nobody, nor among hosts without a share', (it) => {
  expect(it.build([]).lookup(1, 2, 0)).toBe(-1);
  expect(it.build([{ key: 'a', weight: 0 }]).lookup(1, 2, 3)).toBe(-1);
  expect(it.build([{ key: 'a', weight: 0 }, ...evenHosts(1)]).lookup(1, 2, 3)).toBe(1);
});

test.each(builds)('$kind: a weight that is none is refused, with its path', ({ build }) => {
  expect(() => build([{ key: 'a', weight: Number.NaN }])).toThrow(/hosts\[0\]\.weight/);
  expect(() => build([{ key: 'a', weight: -1 }])).toThrow(InvalidOptionError);
});

test('localities share as their weights say, whoever is in them', () => {
  const hosts = evenHosts(4);
  const localities = [
    { weight: 3, hosts: [3] },
    { weight: 1, hosts: [0, 1] },
    { weight: 0, hosts: [2] },
  ];
  const { entries } = new MaglevTable(hosts, { localities, tableSize: 10_007 });
  const share = (host: number): number => entries.filter((it) => it === host).length / 10_007;
  expect(share(3)).toBeCloseTo(0.75, 3);
  expect(share(0)).toBeCloseTo(0.125, 3);
  expect(share(2)).toBe(0);
  const ring = new RingTable(hosts, { localities, minRingSize: 800 });
  expect(ring.pointHosts.filter((host) => host === 3)).toHaveLength(600);
});

test('a host that is not there is refused', () => {
  const localities = [{ weight: 1, hosts: [0, 1.5, 4] }];
  expect(() => new RendezvousTable(evenHosts(4), { localities })).toThrow(
    /localities\[0\]\.hosts\[1\].*localities\[0\]\.hosts\[2\]/,
  );
});

test.each([12, 0, 1, -7, 1.5, Number.NaN, 5_000_077])(
  '%d is no size of a Maglev table',
  (tableSize) => {
    expect(() => new MaglevTable(evenHosts(2), { tableSize })).toThrow(InvalidOptionError);
  },
);

test.each([
  { minRingSize: 0 },
  { minRingSize: 30, maxRingSize: 12 },
  { maxRingSize: 8_388_609 },
  { minRingSize: Number.NaN },
  { maxRingSize: 1.5 },
])('a ring of $minRingSize to $maxRingSize is refused', (options) => {
  expect(() => new RingTable(evenHosts(2), options)).toThrow(InvalidOptionError);
});

test('a ring is no larger than its bound, at the cost of even shares', () => {
  const hosts = [
    { key: 'a', weight: 1 },
    { key: 'b', weight: 1_000_000 },
  ];
  expect(new RingTable(hosts, { maxRingSize: 2_000 }).pointHosts).toHaveLength(2_000);
});
