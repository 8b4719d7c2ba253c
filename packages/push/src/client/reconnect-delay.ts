/** What is known when a connection was lost or an attempt has failed. */
export interface Loss {
  /** Attempts that failed in a row, 0 if a session that had been up was lost. */
  readonly failureCount: number;
  /** Time since a session was last up. */
  readonly outageMs: number;
  /** In [0, 1). */
  readonly random: number;
  /** What the server asked for by `Retry-After`; 0 if it did not. */
  readonly retryAfterMs: number;
}

const baseMs = 200;
const firstMaxMs = 500;
const earlyCapMs = 3_000;
const earlyForMs = 120_000;
const capMs = 30_000;
const retryAfterMaxMs = 60_000;

/**
 * How long to wait before the next attempt: full jitter, base 200 ms, cap 30 s (push protocol P7),
 * with two exceptions. After a session that had been up the first attempt comes within 500 ms. And
 * in the first two minutes of an outage the cap is 3 s: a control plane that restarts or fails over
 * is gone for seconds, every proxy has to be back within 5 s of its return, and an attempt that is
 * refused costs nobody anything; what protects the server from all of them at once is the jitter
 * and its own admission (R9), whose `Retry-After` is honoured up to a minute and spread over half
 * as long again.
 */
export function reconnectDelayMs(loss: Loss): number {
  const { failureCount, random } = loss;
  const asked = Math.min(loss.retryAfterMs, retryAfterMaxMs);
  const cap = loss.outageMs < earlyForMs ? earlyCapMs : capMs;
  const ceiling =
    failureCount === 0 ? firstMaxMs : Math.min(cap, baseMs * 2 ** Math.min(failureCount, 16));
  return Math.max(random * ceiling, asked * (1 + random / 2));
}
