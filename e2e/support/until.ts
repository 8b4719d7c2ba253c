/** Asks again until the answer is yes; for states that only a request can show. Fails after `withinMs`. */
export async function until(
  question: () => Promise<boolean> | boolean,
  what: string,
  withinMs = 30_000,
): Promise<number> {
  const startedAtMs = performance.now();
  let lastError: unknown;
  for (;;) {
    try {
      if (await question()) return performance.now() - startedAtMs;
      lastError = undefined;
    } catch (thrown) {
      lastError = thrown;
    }
    if (performance.now() - startedAtMs > withinMs) {
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const STILL_MS = 500;

/** Waits until a count has not changed for half a second. */
export async function stands(count: () => number): Promise<void> {
  let last = Number.NaN;
  let sinceMs = 0;
  await until(() => {
    const now = count();
    if (now !== last) sinceMs = performance.now();
    last = now;
    return performance.now() - sinceMs > STILL_MS;
  }, 'it stands still');
}
