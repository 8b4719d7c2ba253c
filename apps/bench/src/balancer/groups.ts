/** `pnpm bench balancer`. */
import type { Group } from '../harness/group.ts';
import { lenoBalancer, lenoCall, lenoPick } from './leno.ts';
import { hashedKeyPick, hashOf, keyPick, movedPercent, rebuild } from './leno-hashing.ts';
import { loadBalancersPick } from './peers/load-balancers.ts';
import { loadbalancePick } from './peers/loadbalance.ts';
import { consistentHashPick, hashringPick } from './peers/rings.ts';
import { xxhashWasm32, xxhashWasm64 } from './peers/xxhash-wasm.ts';

const hostCounts = [10, 1_000];
const among = (hostCount: number): string => `pick among ${hostCount.toLocaleString('en')}`;

const picks: readonly Group[] = hostCounts.map((hostCount) => ({
  kind: 'timed',
  case: among(hostCount),
  isIsolated: true,
  subjects: [
    { name: 'leno round robin', load: () => lenoPick('roundRobin', hostCount) },
    { name: 'leno weighted', load: () => lenoPick('weighted', hostCount) },
    { name: 'leno least request', load: () => lenoPick('leastRequest', hostCount) },
    { name: 'leno random', load: () => lenoPick('random', hostCount) },
    { name: 'leno P2C peak EWMA', load: () => lenoPick('peakEwma', hostCount) },
    { name: 'leno P2C peak EWMA, start and end too', load: () => lenoCall('peakEwma', hostCount) },
    { name: 'leno balancer, pick and done', load: () => lenoBalancer(hostCount) },
    { name: 'leno Maglev, a hashed key', load: () => hashedKeyPick('maglev', hostCount) },
    { name: 'leno ring hash, a hashed key', load: () => hashedKeyPick('ringHash', hostCount) },
    { name: 'leno rendezvous, a hashed key', load: () => hashedKeyPick('rendezvous', hostCount) },
    { name: 'loadbalance round robin', load: () => loadbalancePick('plain', hostCount) },
    { name: 'loadbalance weighted', load: () => loadbalancePick('weighted', hostCount) },
    { name: 'load-balancers P2C', load: () => loadBalancersPick('p2c', hostCount) },
    { name: 'load-balancers random', load: () => loadBalancersPick('random', hostCount) },
  ],
}));

const keyed: readonly Group[] = hostCounts.map((hostCount) => ({
  kind: 'timed',
  case: `${among(hostCount)} by a key of 24 characters`,
  isIsolated: true,
  subjects: [
    { name: 'leno Maglev', load: () => keyPick('maglev', hostCount) },
    { name: 'leno ring hash', load: () => keyPick('ringHash', hostCount) },
    { name: 'hashring', load: () => hashringPick(hostCount) },
    { name: 'consistent-hash', load: () => consistentHashPick(hostCount) },
  ],
}));

const hashes: Group = {
  kind: 'timed',
  case: 'hash of a key of 24 characters',
  subjects: [
    { name: 'leno xxHash64', load: () => hashOf('xxHash64') },
    { name: 'leno murmurHash2', load: () => hashOf('murmurHash2') },
    { name: 'xxhash-wasm (64 bits)', load: xxhashWasm64 },
    { name: 'xxhash-wasm (32 bits)', load: xxhashWasm32 },
  ],
};

const rebuilds: Group = {
  kind: 'timed',
  case: 'Maglev of 65,537 for 1,000, one changed',
  subjects: [{ name: 'leno', load: () => rebuild(1_000) }],
};

/** Of all keys; bit-compatibility with Envoy says how many move. */
const moved: Group = {
  kind: 'figures',
  case: 'keys that move, one of 1,000 gone',
  metric: 'moved',
  unit: '%',
  baseline: 'ideal',
  subjects: [
    { name: 'ideal', measure: () => 100 / 1_000 },
    { name: 'leno Maglev', measure: () => movedPercent('maglev', 1_000) },
    { name: 'leno ring hash', measure: () => movedPercent('ringHash', 1_000) },
    { name: 'leno rendezvous', measure: () => movedPercent('rendezvous', 1_000) },
  ],
};

/** In the order of the table. */
export const balancerGroups: readonly Group[] = [...picks, ...keyed, hashes, rebuilds, moved];
