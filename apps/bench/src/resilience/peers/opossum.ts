/** opossum 10, and the options it is measured with. */
import type CircuitBreaker from 'opossum';
import type { Run } from '../../harness/group.ts';
import { FOR_EVER_MS, fail, work } from '../work.ts';

type Variant = 'default' | 'no timeout' | 'leanest';

const options: Readonly<Record<Variant, CircuitBreaker.Options>> = {
  // A timeout of 10 s, 10 buckets in 10 s, percentiles, a snapshot each second.
  default: {},
  // As the others have it, who leave the timeout to another policy.
  'no timeout': { timeout: false },
  // All that can be switched off.
  leanest: { timeout: false, rollingPercentilesEnabled: false, enableSnapshots: false },
};

async function create(
  action: () => Promise<number>,
  given: CircuitBreaker.Options,
): Promise<CircuitBreaker> {
  const { default: Opossum } = await import('opossum');
  return new Opossum(action, given);
}

/** Closed, nothing fails. */
export async function opossumClosed(variant: Variant): Promise<Run> {
  const breaker = await create(work, options[variant]);
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += (await breaker.fire()) as number;
      return sum;
    },
  };
}

/** Open for ever: each call is refused with an `EOPENBREAKER`, which is caught. */
export async function opossumOpen(): Promise<Run> {
  const breaker = await create(work, { ...options.leanest, resetTimeout: FOR_EVER_MS });
  breaker.open();
  return catching(breaker);
}

/** One failure after so many samples within the window, which is long enough to keep them all. */
export async function opossumFailure(sampleCount: number): Promise<Run> {
  let isFailing = false;
  const action = (): Promise<number> => (isFailing ? fail() : work());
  const breaker = await create(action, {
    timeout: false,
    rollingCountTimeout: 600_000,
    errorThresholdPercentage: 99,
  });
  for (let index = 0; index < sampleCount; index += 1) await breaker.fire();
  isFailing = true;
  return catching(breaker);
}

/** p-retry around opossum: three tries, the timeout of a second is opossum's. */
export async function opossumPipeline(): Promise<Run> {
  const breaker = await create(work, { timeout: 1_000 });
  const { default: pRetry } = await import('p-retry');
  const attempt = (): Promise<number> => breaker.fire() as Promise<number>;
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await pRetry(attempt, { retries: 2 });
      return sum;
    },
  };
}

function catching(breaker: CircuitBreaker): Run {
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += (await breaker.fire()) as number;
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}
