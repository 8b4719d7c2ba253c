/** Ours, and the options it is measured with. */
import {
  type BreakerOptions,
  type CallBreaker,
  consecutive,
  createBreaker,
  failureRate,
  lastCalls,
  pipeline,
  retry,
  timeout,
} from '@leno/resilience';
import type { Run } from '../harness/group.ts';
import { FOR_EVER_MS, fail, work } from './work.ts';

/** What trips it. */
export type Trigger = 'default' | 'consecutive' | 'count window' | 'time window';

const options: Readonly<Record<Trigger, BreakerOptions>> = {
  // Five failures in a row, or fewer than 0.8 of at least 20 calls in 10 s.
  default: {},
  consecutive: { trip: consecutive(5) },
  // A success rate below 0.8 of the last 100 calls, judged from 20 on; or of those of 10 s.
  'count window': { trip: failureRate({ over: lastCalls(100) }) },
  'time window': { trip: failureRate() },
};

/** The permit face, on a clock that is read once in 64 calls, as a proxy reads it once an event. */
export function lenoPermit(trigger: Trigger): Run {
  const breaker = createBreaker(options[trigger]);
  let nowMs = 1_000.5;
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        if ((index & 63) === 0) nowMs += 0.25;
        const permit = breaker.tryAcquire(nowMs);
        if (permit < 0) return Number.NaN;
        sum += await work();
        breaker.success(permit, nowMs);
      }
      return sum;
    },
  };
}

/** `execute`, on the runtime's own clock. */
export function lenoExecute(trigger: Trigger): Run {
  const breaker = createBreaker(options[trigger]);
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await breaker.execute(work);
      return sum;
    },
  };
}

/** Three tries in all, a breaker as it comes, a second for each try. */
export function lenoPipeline(): Run {
  const call = pipeline(retry({ retryCountMax: 2 }), createBreaker(), timeout(1_000));
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await call.execute(work);
      return sum;
    },
  };
}

async function opened(): Promise<CallBreaker> {
  const times = { openMs: FOR_EVER_MS, openMaxMs: FOR_EVER_MS };
  const breaker = createBreaker({ trip: consecutive(1), ...times });
  await breaker.execute(fail).catch(() => 0);
  return breaker;
}

/** Open: what a proxy asks. */
export async function lenoOpenPermit(): Promise<Run> {
  const breaker = await opened();
  const nowMs = performance.now() + 1_000;
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += breaker.tryAcquire(nowMs);
      return sum;
    },
  };
}

/** Open: each call is refused with a `BreakerOpenError`, which is caught. */
export async function lenoOpenExecute(): Promise<Run> {
  const breaker = await opened();
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          sum += await breaker.execute(work);
        } catch {
          sum += 2;
        }
      }
      return sum;
    },
  };
}

/** Open: the refusal as a value, its error left unread. */
export async function lenoOpenSettle(): Promise<Run> {
  const breaker = await opened();
  return {
    kind: 'async',
    run: async (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const settled = await breaker.settle(work);
        sum += settled.kind === 'refused' ? 2 : Number.NaN;
      }
      return sum;
    },
  };
}

/** One failure after so many samples within the window; no share of failures trips it. */
export function lenoFailure(sampleCount: number): Run {
  const breaker = createBreaker({ trip: failureRate({ rateMax: 1 }) });
  const nowMs = 1_000;
  for (let index = 0; index < sampleCount; index += 1) {
    breaker.success(breaker.tryAcquire(nowMs), nowMs);
  }
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const permit = breaker.tryAcquire(nowMs);
        sum += permit;
        breaker.failure(permit, nowMs);
      }
      return sum;
    },
  };
}
