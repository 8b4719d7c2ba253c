import type { Timers } from '@leno/std';

/**
 * Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. Leaves no
 * listener.
 */
export async function sleep(delayMs: number, timers: Timers, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = timers.after(delayMs, wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
  signal?.throwIfAborted();
}
