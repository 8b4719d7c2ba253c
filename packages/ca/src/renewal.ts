/**
 * When to renew a certificate: at two thirds of its life, jittered so that a fleet started together
 * does not renew together; after a failure once per window, at a random point of it. Fixed windows
 * keep the load of an outage's end flat, where backing off would push the last tries past expiry.
 */
import type { Rng } from '@leno/std';

const renewAtRatio = 2 / 3;
const jitterRatio = 0.05;
const retryWindowMaxMs = 30_000;
const retryWindowsPerLife = 10;

/**
 * Wall time of the renewal: at 2/3 of the life, ± 5 % of the life. May lie in the past, which means
 * now.
 */
export function renewAtMs(notBeforeMs: number, notAfterMs: number, rng: Rng): number {
  const ratio = renewAtRatio + (2 * rng() - 1) * jitterRatio;
  return notBeforeMs + (notAfterMs - notBeforeMs) * ratio;
}

/**
 * Wall time of the next try after one that failed at `nowMs`: a random point of the window after
 * the present one. Windows are min(30 s, life ÷ 10) long and counted from `notBeforeMs`.
 */
export function renewalRetryAtMs(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
  rng: Rng,
): number {
  const windowMs = renewalWindowMs(life);
  const windowIndex = Math.floor((nowMs - life.notBeforeMs) / windowMs);
  return life.notBeforeMs + (windowIndex + 1 + rng()) * windowMs;
}

/** Length of a retry window: min(30 s, life ÷ 10), at least 1 ms. */
export function renewalWindowMs(life: {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}): number {
  const lifeMs = life.notAfterMs - life.notBeforeMs;
  return Math.max(1, Math.min(retryWindowMaxMs, lifeMs / retryWindowsPerLife));
}

/**
 * How near a certificate is to its end: `warning` from 1/3 of life left, `critical` from 1/10. A
 * regular renewal may come as late as 28 % left, so a short warning alone wakes nobody up.
 */
export type CertificateAlarm = 'none' | 'warning' | 'critical' | 'expired';

/** The alarm that a certificate deserves at `nowMs`, wall time. */
export function certificateAlarm(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
): CertificateAlarm {
  const leftMs = life.notAfterMs - nowMs;
  const leftRatio = leftMs / (life.notAfterMs - life.notBeforeMs);
  if (leftMs < 0) return 'expired';
  if (leftRatio <= 0.1) return 'critical';
  return leftRatio <= 1 / 3 ? 'warning' : 'none';
}
