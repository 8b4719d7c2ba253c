/** The floor: the call with nothing around it. */
import type { Run } from '../../harness/group.ts';
import { fail, work } from '../work.ts';

/** `await fn()`. */
export function bareCall(): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await work();
      return sum;
    },
  };
}

/** A call that rejects, caught: what a refusal costs if it is an exception. */
export function bareRejection(): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += await fail();
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}
