/** mollitia 0.1, and the options it is measured with. */
import type * as mollitia from 'mollitia';
import type { Circuit, Module } from 'mollitia';
import type { Run } from '../../harness/group.ts';
import { FOR_EVER_MS, work } from '../work.ts';

type Mollitia = typeof mollitia;

async function circuit(modules: (it: Mollitia) => Module[]): Promise<Circuit> {
  const it = await import('mollitia');
  return new it.Circuit({ func: work, options: { modules: modules(it) } });
}

function executing(it: Circuit): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await it.execute<number>();
      return sum;
    },
  };
}

// A share of failures of 20 % of the last 100 calls, judged from 20 on; or of the last second, as
// ten seconds would take its array of samples too long to build.
const common = { failureRateThreshold: 20, minimumNumberOfCalls: 20 };

/** Closed, nothing fails. */
export async function mollitiaClosed(trigger: 'count' | 'time'): Promise<Run> {
  return executing(
    await circuit((it) => [
      trigger === 'count'
        ? new it.SlidingCountBreaker({ ...common, slidingWindowSize: 100 })
        : new it.SlidingTimeBreaker({ ...common, slidingWindowSize: 1_000 }),
    ]),
  );
}

/** Open for ever. */
export async function mollitiaOpen(): Promise<Run> {
  const open = await circuit((it) => {
    const state = it.BreakerState.OPENED;
    return [new it.SlidingCountBreaker({ ...common, state, openStateDelay: FOR_EVER_MS })];
  });
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += await open.execute<number>();
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}

/** Three tries, the breaker by count, a second for each try. */
export async function mollitiaPipeline(): Promise<Run> {
  return executing(
    await circuit((it) => [
      new it.Retry({ attempts: 2, interval: 100, mode: it.RetryMode.EXPONENTIAL }),
      new it.SlidingCountBreaker({ ...common, slidingWindowSize: 100 }),
      new it.Timeout({ delay: 1_000 }),
    ]),
  );
}
