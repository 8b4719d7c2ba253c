import { systemClock, systemTimers } from '@leno/std';

const STEP_MS = 5;

/** Waits in real time. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemTimers.after(ms, resolve);
  });
}

/** Waits until `isSo`, but no longer than `withinMs`; says whether it came true. */
export async function until(isSo: () => boolean, withinMs: number): Promise<boolean> {
  const startMs = systemClock.nowMs();
  while (!isSo()) {
    if (systemClock.nowMs() - startMs > withinMs) return false;
    await pause(STEP_MS);
  }
  return true;
}
