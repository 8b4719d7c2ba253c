/**
 * Faults by hand: what a role does wrong while a knob is turned, and nothing otherwise. Every knob
 * expires, so that a forgotten experiment ends by itself.
 */
import type { Rng } from '@leno/std';
import * as z from 'zod';

const ttlMsMax = 10 * 60_000;

/** What `POST /__demo/knobs` takes; what is not said is off. */
export const KnobSettings = z.strictObject({
  errorRate: z.number().min(0).max(1).default(0).describe('Share of requests answered 500.'),
  latencyMs: z
    .strictObject({ p50: z.number().min(0).max(60_000), p99: z.number().min(0).max(60_000) })
    .refine((it) => it.p99 >= it.p50, 'p99 is not below p50')
    .optional()
    .describe('Delay before the work, log-normal through these two points.'),
  hang: z.boolean().default(false).describe('Requests wait until the knob is turned back.'),
  ttlMs: z.int().min(1).max(ttlMsMax).default(60_000).describe('When all of it ends by itself.'),
});
export type KnobSettings = z.output<typeof KnobSettings>;

/** What is to be done to one request. */
export interface Fault {
  readonly delayMs: number;
  readonly fails: boolean;
  readonly hangs: boolean;
}

const noFault: Fault = { delayMs: 0, fails: false, hangs: false };

/** How far p99 lies from p50 in a normal distribution, in standard deviations. */
const p99Sigmas = 2.3263;

/** The knobs of one process. */
export class Knobs {
  #settings: KnobSettings | undefined;
  #expiresAtMs = 0;

  /** Replaces all knobs. */
  set(settings: KnobSettings, nowMs: number): void {
    this.#settings = settings;
    this.#expiresAtMs = nowMs + settings.ttlMs;
  }

  /** Turns everything back. */
  clear(): void {
    this.#settings = undefined;
  }

  /** What is set and for how long, or undefined if nothing is. */
  at(nowMs: number): (KnobSettings & { readonly expiresInMs: number }) | undefined {
    if (this.#settings === undefined || nowMs >= this.#expiresAtMs) return undefined;
    return { ...this.#settings, expiresInMs: this.#expiresAtMs - nowMs };
  }

  /** Decides about one request. */
  fault(nowMs: number, rng: Rng): Fault {
    const settings = this.at(nowMs);
    if (settings === undefined) return noFault;
    const { latencyMs, errorRate, hang } = settings;
    return {
      delayMs: latencyMs === undefined ? 0 : sampleLatency(latencyMs, rng),
      fails: rng() < errorRate,
      hangs: hang,
    };
  }
}

/** Log-normal through p50 and p99; Box–Muller. */
function sampleLatency(latency: { readonly p50: number; readonly p99: number }, rng: Rng): number {
  if (latency.p50 === 0 || latency.p99 === latency.p50) return latency.p50;
  const sigma = Math.log(latency.p99 / latency.p50) / p99Sigmas;
  const normal = Math.sqrt(-2 * Math.log(1 - rng())) * Math.cos(2 * Math.PI * rng());
  return latency.p50 * Math.exp(sigma * normal);
}
