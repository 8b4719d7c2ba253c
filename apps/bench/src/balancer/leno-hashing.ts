/** Our hashing, and how it is measured. */
import {
  createPicker,
  EndpointSet,
  type HashTable,
  hashKey,
  MaglevTable,
  type Member,
  murmurHash2,
  RendezvousTable,
  RingTable,
  xxHash64,
} from '@leno/balancer';
import { seededRng } from '@leno/std';
import type { Run } from '../harness/group.ts';
import { hostNames, KEY_MASK, keys } from './hosts.ts';

/** The kinds that place calls by a key. */
export type HashKind = 'maglev' | 'ringHash' | 'rendezvous';

const admits = (): boolean => true;

/** A pick by a key whose hash is known, of endpoints of one weight. */
export function hashedKeyPick(kind: HashKind, hostCount: number): Run {
  const picker = pickerOf(kind, hostCount);
  const rng = seededRng(1);
  const hashed = keys.map((key) => ({ hash: hashKey(key), attempt: 0 }));
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += picker.pick(1, rng, admits, hashed[index & KEY_MASK]);
      }
      return sum;
    },
  };
}

/** A pick by a key of 24 characters, its hash included. */
export function keyPick(kind: HashKind, hostCount: number): Run {
  const picker = pickerOf(kind, hostCount);
  const rng = seededRng(1);
  const key = { hash: { hi: 0, lo: 0 }, attempt: 0 };
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        hashKey(keys[index & KEY_MASK] ?? '', key.hash);
        sum += picker.pick(1, rng, admits, key);
      }
      return sum;
    },
  };
}

/** The hash of a key of 24 characters. */
export function hashOf(kind: 'xxHash64' | 'murmurHash2'): Run {
  const into = { hi: 0, lo: 0 };
  const hash = kind === 'xxHash64' ? xxHash64 : murmurHash2;
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += hash(keys[index & KEY_MASK] ?? '', into).lo & 1023;
      }
      return sum;
    },
  };
}

/** A picker takes up a change of one of its endpoints: it has a table anew, and picks by it. */
export function rebuild(hostCount: number): Run {
  const set = new EndpointSet<Member>();
  const picker = createPicker('maglev', set);
  const members = hostNames(hostCount).map((id) => ({ id, weight: 1 }));
  const rng = seededRng(1);
  const key = { hash: hashKey('user-42'), attempt: 0 };
  let changed = 0;
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        changed = (changed + 1) % hostCount;
        set.apply({ remove: [members[changed]?.id ?? ''] }, 1);
        sum += picker.pick(1, rng, admits, key);
        set.update(members, 1);
      }
      return sum;
    },
  };
}

const tables: Readonly<Record<HashKind, (keys: readonly string[]) => HashTable>> = {
  maglev: (names) => new MaglevTable(names.map((key) => ({ key, weight: 1 }))),
  ringHash: (names) => new RingTable(names.map((key) => ({ key, weight: 1 }))),
  rendezvous: (names) => new RendezvousTable(names.map((key) => ({ key, weight: 1 }))),
};

/** Percent of the keys that go to another host when one leaves, its own included. */
export function movedPercent(kind: HashKind, hostCount: number): number {
  const names = hostNames(hostCount);
  const others = names.filter((_, index) => index !== hostCount >> 1);
  const before = tables[kind](names);
  const after = tables[kind](others);
  const keyCount = 20_000;
  let movedCount = 0;
  for (let index = 0; index < keyCount; index += 1) {
    const { hi, lo } = hashKey(`user-${index}`);
    const was = names[before.lookup(hi, lo, 0)];
    if (others[after.lookup(hi, lo, 0)] !== was) movedCount += 1;
  }
  return (movedCount / keyCount) * 100;
}

function pickerOf(kind: HashKind, hostCount: number) {
  const set = new EndpointSet<Member>();
  set.update(
    hostNames(hostCount).map((id) => ({ id, weight: 1 })),
    0,
  );
  return createPicker(kind, set);
}
