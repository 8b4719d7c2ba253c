/** @git-stunts/alfred 0.10, and the options it is measured with. */
import type { Run } from '../../harness/group.ts';
import { FOR_EVER_MS, fail, work } from '../work.ts';

interface Executor {
  execute<T>(fn: () => Promise<T>): Promise<T>;
}

function executing(policy: Executor): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await policy.execute(work);
      return sum;
    },
  };
}

/** Closed, nothing fails; it trips at five failures, in a row or not. */
export async function alfredClosed(): Promise<Run> {
  const { circuitBreaker } = await import('@git-stunts/alfred');
  return executing(circuitBreaker({ threshold: 5, duration: 1_000 }));
}

/** Open for ever. */
export async function alfredOpen(): Promise<Run> {
  const { circuitBreaker } = await import('@git-stunts/alfred');
  const policy = circuitBreaker({ threshold: 1, duration: FOR_EVER_MS });
  await policy.execute(fail).catch(() => 0);
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += await policy.execute(work);
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}

/** Three tries with growing delays, five failures, a second for each try. */
export async function alfredPipeline(): Promise<Run> {
  const { Policy } = await import('@git-stunts/alfred');
  return executing(
    Policy.retry({ retries: 2, delay: 100, backoff: 'exponential', jitter: 'full' })
      .wrap(Policy.circuitBreaker({ threshold: 5, duration: 1_000 }))
      .wrap(Policy.timeout(1_000)),
  );
}
