import * as z from 'zod';

const ServiceName = z.string().min(1).max(512);
const Count = z.int().min(0).max(1_000_000_000);
const Milliseconds = z.number().min(0).max(86_400_000);

/** Requests on one edge since the last report, as one proxy saw them. */
export const EdgeStat = z
  .strictObject({
    /** `namespace/name` of the other side; `unknown` where no certificate said it. */
    peer: ServiceName,
    direction: z.enum(['outbound', 'inbound']),
    /** Outbound: the version label of the endpoints that answered. */
    peerVersion: z.string().max(256).optional(),
    ok: Count,
    failed: Count,
    /** How many of `ok + failed` went over mTLS, by what the sockets showed. */
    mtls: Count,
    retries: Count,
    p50Ms: Milliseconds,
    p99Ms: Milliseconds,
  })
  .refine((it) => it.mtls <= it.ok + it.failed, 'mtls is at most ok + failed');
export type EdgeStat = z.output<typeof EdgeStat>;

/**
 * The body of a `stat` message: what a proxy has seen since its last one, sent once a second.
 * Figures are deltas; a report that is lost is lost, and the next one does not make up for it.
 */
export const StatBody = z.strictObject({
  /** `namespace/name` of the service that the proxy stands beside. */
  service: ServiceName,
  version: z.string().max(256),
  requests: z.array(EdgeStat).max(1_024),
  proxy: z.strictObject({
    rssMiB: z.number().min(0).max(1_048_576),
    /** Share of one core that the process has used. */
    cpuRatio: z.number().min(0).max(1_024),
  }),
});
export type StatBody = z.output<typeof StatBody>;
