/** Consistent hashing by others, and the options it is measured with. */
import type { Run } from '../../harness/group.ts';
import { hostNames, KEY_MASK, keys } from '../hosts.ts';

/** hashring 3: Ketama, 160 points a host, MD5; without its cache, which holds every key it saw. */
export async function hashringPick(hostCount: number): Promise<Run> {
  const { default: HashRing } = await import('hashring');
  const ring = new HashRing(hostNames(hostCount), 'md5', { 'max cache size': 1 });
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += ring.get(keys[index & KEY_MASK] ?? '').length;
      }
      return sum;
    },
  };
}

/** consistent-hash 1.2: 40 points a host at random, a hash of its own. */
export async function consistentHashPick(hostCount: number): Promise<Run> {
  const { default: ConsistentHash } = await import('consistent-hash');
  const ring = new ConsistentHash();
  for (const host of hostNames(hostCount)) ring.add(host);
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        sum += ring.get(keys[index & KEY_MASK] ?? '').length;
      }
      return sum;
    },
  };
}
