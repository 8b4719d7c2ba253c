/** load-balancers 1.3: its choice of two goes by how often each was picked, not by load. */
import type { Run } from '../../harness/group.ts';

/** One pick among so many. */
export async function loadBalancersPick(kind: 'p2c' | 'random', hostCount: number): Promise<Run> {
  const { default: it } = await import('load-balancers');
  const balancer =
    kind === 'p2c' ? new it.P2cBalancer(hostCount) : new it.RandomBalancer(hostCount);
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += balancer.pick();
      return sum;
    },
  };
}
