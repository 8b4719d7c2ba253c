import * as z from 'zod';
import { Extension } from './resource.ts';
import { RetryBody, TimeoutBody } from './route.ts';

/** How an endpoint is chosen. */
export const BalancerBody = z.strictObject({
  kind: z.enum(['peakEwma', 'roundRobin', 'weighted']),
  /** For `peakEwma`: how fast old latencies are forgotten. */
  decayMs: z.int().min(1).optional(),
  /** For `peakEwma`: the estimate of an endpoint that nothing is known of. */
  initialMs: z.number().min(0).optional(),
});
export type BalancerBody = z.output<typeof BalancerBody>;

/** When an endpoint is taken out, and how it comes back. Absent fields are the mesh defaults. */
export const BreakerBody = z.strictObject({
  /** Failures in a row; 0 switches this trigger off. */
  consecutiveFailures: z.int().min(0).max(10_000).optional(),
  successRateMin: z.number().min(0).max(1).optional(),
  windowMs: z.int().min(100).max(3_600_000).optional(),
  requestCountMin: z.int().min(1).optional(),
  openMs: z.int().min(1).optional(),
  openMaxMs: z.int().min(1).optional(),
  /** Share of the endpoints that may be out at once; never the last one unless `failFast`. */
  ejectionRatioMax: z.number().min(0).max(1).optional(),
  failFast: z.boolean().optional(),
});
export type BreakerBody = z.output<typeof BreakerBody>;

/** The share of retries that a service tolerates. */
export const RetryBudgetBody = z.strictObject({
  ratio: z.number().min(0).max(1).optional(),
  perSecondMin: z.number().min(0).optional(),
  windowMs: z.int().min(1_000).max(60_000).optional(),
});
export type RetryBudgetBody = z.output<typeof RetryBudgetBody>;

/** Bounds towards one service. */
export const LimitsBody = z.strictObject({
  connectionCountMax: z.int().min(1).optional(),
  pendingCountMax: z.int().min(0).optional(),
  requestCountMax: z.int().min(1).optional(),
});
export type LimitsBody = z.output<typeof LimitsBody>;

/** What holds for all traffic to one service. */
export const TrafficPolicyBody = z.strictObject({
  /** `namespace/name` of the service. */
  service: z.string().min(1),
  balancer: BalancerBody.optional(),
  breaker: BreakerBody.optional(),
  retry: RetryBody.optional(),
  budget: RetryBudgetBody.optional(),
  timeouts: TimeoutBody.optional(),
  limits: LimitsBody.optional(),
  ext: Extension,
});
export type TrafficPolicyBody = z.output<typeof TrafficPolicyBody>;
