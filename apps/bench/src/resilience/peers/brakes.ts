/** brakes 3, and the options it is measured with. */
import type { Run } from '../../harness/group.ts';
import { work } from '../work.ts';

/** Closed, nothing fails; its defaults: a timeout of 15 s, 60 buckets of a second. */
export async function brakesClosed(): Promise<Run> {
  const { default: Brakes } = await import('brakes');
  const breaker = new Brakes(work);
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += (await breaker.exec()) as number;
      return sum;
    },
  };
}
