/** Cost and memory as ratios, so that the machine and its other load do not matter. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { failing } from './scenes.ts';
import type { Subject, SubjectBreaker, SubjectOptions } from './subject.ts';

/** Never trips in what follows, and keeps everything in its window. */
const tolerant: SubjectOptions = {
  failureRatio: 0.99,
  countMin: 1_000_000,
  windowMs: 60_000,
  openMs: 1_000,
};

/** The least time that one failing call took, with so many successes in the window. */
export async function costOfOneFailureMs(subject: Subject, sampleCount: number): Promise<number> {
  const breaker = subject.breaker(tolerant);
  await succeedOften(breaker, sampleCount);
  let leastMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 15; round += 1) {
    const startMs = performance.now();
    await breaker.call(failing).catch(() => {});
    leastMs = Math.min(leastMs, performance.now() - startMs);
  }
  return leastMs;
}

/** How much more is reachable after so many calls, for each of them. */
export async function bytesKeptPerCall(subject: Subject, callCount: number): Promise<number> {
  const breaker = subject.breaker({ ...tolerant, isLean: true });
  await succeedOften(breaker, 1_000);
  const before = reachableBytes();
  await succeedOften(breaker, callCount);
  const kept = reachableBytes() - before;
  // Reads it afterwards, or the breaker itself could have been collected.
  return breaker.state() === 'closed' ? kept / callCount : Number.NaN;
}

async function succeedOften(breaker: SubjectBreaker, callCount: number): Promise<void> {
  const action = (): Promise<string> => Promise.resolve('fine');
  for (let call = 0; call < callCount; call += 1) await breaker.call(action);
}

function reachableBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
