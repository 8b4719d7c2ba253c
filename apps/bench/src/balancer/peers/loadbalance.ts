/** loadbalance 1.0: its weights are turns in a row, in a list as long as their sum. */
import type { Run } from '../../harness/group.ts';

/** One pick among so many, with weights from 1 to 5 or without. */
export async function loadbalancePick(kind: 'plain' | 'weighted', hostCount: number): Promise<Run> {
  const { default: it } = await import('loadbalance');
  const hosts = Array.from({ length: hostCount }, (_, index) => index);
  const weighted = hosts.map((object) => ({ object, weight: 1 + (object % 5) }));
  const engine = it.roundRobin(kind === 'plain' ? hosts : weighted);
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += engine.pick();
      return sum;
    },
  };
}
