/** `pnpm bench balancer`. */
import type { Group, Subject } from '../harness/group.ts';
import { lenoCall, lenoPick } from './leno.ts';
import { loadBalancersPick } from './peers/load-balancers.ts';
import { consistentHashPick, hashringPick } from './peers/rings.ts';
import { xxhashWasm32, xxhashWasm64 } from './peers/xxhash-wasm.ts';

/** One kind of picker among few and among many; others that do alike stand beside it. */
function picks(
  name: string,
  load: (hostCount: number) => Subject['load'],
  peers: (hostCount: number) => readonly Subject[] = () => [],
): readonly Group[] {
  return [10, 1_000].map((hostCount) => ({
    kind: 'timed',
    case: `pick among ${hostCount.toLocaleString('en')}: ${name}`,
    subjects: [{ name: 'leno', load: load(hostCount) }, ...peers(hostCount)],
  }));
}

const hashes: Group = {
  kind: 'timed',
  case: 'hash of a key of 24 characters',
  subjects: [
    { name: 'xxhash-wasm (64 bits)', load: xxhashWasm64 },
    { name: 'xxhash-wasm (32 bits)', load: xxhashWasm32 },
  ],
};

const rings: readonly Group[] = [10, 1_000].map((hostCount) => ({
  kind: 'timed',
  case: `pick among ${hostCount.toLocaleString('en')}: ring, a key of 24 characters`,
  subjects: [
    { name: 'hashring', load: () => hashringPick(hostCount) },
    { name: 'consistent-hash', load: () => consistentHashPick(hostCount) },
  ],
}));

/** In the order of the table. */
export const balancerGroups: readonly Group[] = [
  ...picks('round robin', (hostCount) => () => lenoPick('roundRobin', hostCount)),
  ...picks('weighted', (hostCount) => () => lenoPick('weighted', hostCount)),
  ...picks(
    'P2C peak EWMA',
    (hostCount) => () => lenoPick('peakEwma', hostCount),
    (hostCount) => [
      { name: 'load-balancers', load: () => loadBalancersPick('p2c', hostCount) },
      { name: 'leno, with its start and end', load: () => lenoCall('peakEwma', hostCount) },
    ],
  ),
  ...rings,
  hashes,
];
