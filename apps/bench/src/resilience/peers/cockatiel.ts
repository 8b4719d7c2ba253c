/** cockatiel 4, and the options it is measured with. */
import type { IPolicy } from 'cockatiel';
import type { Run } from '../../harness/group.ts';
import { FOR_EVER_MS, fail, work } from '../work.ts';

type Trigger = 'consecutive' | 'count' | 'sampling';

async function breakerOf(trigger: Trigger): Promise<IPolicy> {
  const it = await import('cockatiel');
  const breaker = {
    // As ours: five failures in a row.
    consecutive: () => new it.ConsecutiveBreaker(5),
    // As ours: a share of failures above 0.2 of the last 100 calls, judged from 20 on.
    count: () => new it.CountBreaker({ threshold: 0.2, size: 100, minimumNumberOfCalls: 20 }),
    // As ours: the same share over 10 s. Its minimum is a rate: 2 a second are 20 in 10 s.
    sampling: () => new it.SamplingBreaker({ threshold: 0.2, duration: 10_000, minimumRps: 2 }),
  }[trigger]();
  return it.circuitBreaker(it.handleAll, { halfOpenAfter: 1_000, breaker });
}

function executing(policy: IPolicy): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await policy.execute(work);
      return sum;
    },
  };
}

/** Closed, nothing fails. */
export async function cockatielClosed(trigger: Trigger): Promise<Run> {
  return executing(await breakerOf(trigger));
}

/** Open for ever: each call is refused with a `BrokenCircuitError`, which is caught. */
export async function cockatielOpen(): Promise<Run> {
  const it = await import('cockatiel');
  const breaker = new it.ConsecutiveBreaker(1);
  const policy = it.circuitBreaker(it.handleAll, { halfOpenAfter: FOR_EVER_MS, breaker });
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

/** Three tries, back-off with its defaults, five failures in a row, a second for each try. */
export async function cockatielPipeline(strategy: 'cooperative' | 'aggressive'): Promise<Run> {
  const it = await import('cockatiel');
  const backoff = new it.ExponentialBackoff();
  const breaker = new it.ConsecutiveBreaker(5);
  const policy = it.wrap(
    it.retry(it.handleAll, { maxAttempts: 2, backoff }),
    it.circuitBreaker(it.handleAll, { halfOpenAfter: 1_000, breaker }),
    it.timeout(
      1_000,
      strategy === 'aggressive' ? it.TimeoutStrategy.Aggressive : it.TimeoutStrategy.Cooperative,
    ),
  );
  return executing(policy);
}

/** One failure after so many samples within the window; a share that measuring does not reach. */
export async function cockatielFailure(sampleCount: number): Promise<Run> {
  const it = await import('cockatiel');
  const breaker = new it.SamplingBreaker({ threshold: 0.999, duration: 600_000 });
  const policy = it.circuitBreaker(it.handleAll, { halfOpenAfter: 1_000, breaker });
  for (let index = 0; index < sampleCount; index += 1) await policy.execute(work);
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += await policy.execute(fail);
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}
