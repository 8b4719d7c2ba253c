import * as z from 'zod';
import { duration } from './duration.ts';
import { GrpcCode } from './grpc-code.ts';
import { Metadata, Status } from './metadata.ts';
import { TargetService } from './target-service.ts';

const Balancer = z.strictObject({
  kind: z.enum(['peakEwma', 'roundRobin', 'weighted']).default('peakEwma'),
  decay: duration(1).optional().describe('peakEwma: how fast old latencies fade. Default 10s.'),
  initial: duration(0).optional().describe('peakEwma: estimate of the unknown. Default 30ms.'),
});

const Breaker = z.strictObject({
  consecutiveFailures: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe('Failures in a row that open it; 0 switches this trigger off. Default 5.'),
  successRateMin: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Opens below this share; 0 switches this trigger off. Default 0.8.'),
  window: duration(100, 3_600_000).optional().describe('Over which the rate counts. Default 10s.'),
  requestCountMin: z.int().min(1).optional().describe('Fewer say nothing. Default 20.'),
  open: duration(1).optional().describe('How long it stays open first. Default 1s.'),
  openMax: duration(1).optional().describe('How long at most. Default 60s.'),
  ejectionRatioMax: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Share of the endpoints that may be out at once. Default 0.5.'),
  failFast: z
    .boolean()
    .optional()
    .describe('Also refuses where the last endpoint is out. Default false.'),
});

const Retry = z.strictObject({
  attempts: z.int().min(0).max(10).optional().describe('Retries after the first try. Default 2.'),
  codes: z.array(z.int().min(400).max(599)).max(32).optional().describe('Statuses to retry.'),
  grpcCodes: z
    .array(GrpcCode)
    .max(16)
    .optional()
    .describe('gRPC codes to retry; naming one declares that a call may be repeated after it.'),
  backoff: duration(1, 60_000).optional().describe('Base of the wait. Default 25ms.'),
  backoffMax: duration(1, 60_000).optional().describe('Cap of the wait. Default 250ms.'),
  onPerTryTimeout: z
    .boolean()
    .optional()
    .describe('Whether a try that timed out is repeated. Default: yes, where `retry` is written.'),
  anyMethod: z
    .boolean()
    .optional()
    .describe('Declares every method safe to send again. Default false.'),
});

const Budget = z.strictObject({
  ratio: z.number().min(0).max(1).optional().describe('Retries per request. Default 0.2.'),
  perSecondMin: z.number().min(0).optional().describe('Always allowed. Default 10.'),
  window: duration(1_000, 60_000).optional().describe('Default 10s.'),
});

const Timeouts = z.strictObject({
  request: duration(0).optional().describe('Over all tries; `0s` disables. Default 15s.'),
  perTry: duration(0).optional().describe('Default: half of `request` while a retry is allowed.'),
  connect: duration(1).optional().describe('Default 1s.'),
  idle: duration(0).optional().describe('Of streams and upgrades. Default 5m.'),
  tcpIdle: duration(0).optional().describe('Of TCP connections; `0s` disables. Default 1h.'),
});

const Limits = z.strictObject({
  connections: z.int().min(1).optional().describe('Default 1024.'),
  pending: z.int().min(0).optional().describe('Waiting for a connection. Default 1024.'),
  requests: z.int().min(1).optional().describe('At the same time. Default 1024.'),
});

/** `leno.dev/v1` TrafficPolicy: what holds for all traffic to one service. */
export const TrafficPolicy = z
  .strictObject({
    apiVersion: z.literal('leno.dev/v1'),
    kind: z.literal('TrafficPolicy'),
    metadata: Metadata,
    spec: z.strictObject({
      targetRef: TargetService,
      balancer: Balancer.optional().describe('How an endpoint is chosen.'),
      breaker: Breaker.optional().describe('When an endpoint is taken out.'),
      retry: Retry.optional().describe('How failed tries are repeated.'),
      budget: Budget.optional().describe('The share of retries that the service tolerates.'),
      timeouts: Timeouts.optional(),
      limits: Limits.optional().describe('Towards the whole service; overflow is a 503 at once.'),
    }),
    status: Status,
  })
  .describe('What holds for all traffic to one service.');
export type TrafficPolicy = z.output<typeof TrafficPolicy>;
