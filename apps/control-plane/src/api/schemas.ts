/** The shapes of the API's replies, for its OpenAPI document. */
import { z } from '@hono/zod-openapi';

const Ratio = z.number().min(0).max(1).nullable();
const Milliseconds = z.number().nullable();
const figures = {
  requestCount: z.int(),
  failureCount: z.int(),
  rps: z.number(),
  successRatio: Ratio,
  p50Ms: Milliseconds,
  p99Ms: Milliseconds,
};
const ConfigPoint = z.object({ epoch: z.int(), version: z.int(), digest: z.string() });
const ConfigError = z.object({
  type: z.string(),
  name: z.string(),
  version: z.int(),
  code: z.string(),
  path: z.string(),
  msg: z.string(),
});

/** RFC 9457, with `code` and, where configuration is refused, the findings. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    findings: z.array(z.unknown()).optional(),
    resourceVersion: z.string().optional(),
  })
  .openapi('Problem');

/** Something about configuration that its author should know. */
export const FindingSchema = z
  .object({
    code: z.string(),
    severity: z.enum(['error', 'warning']),
    message: z.string(),
    path: z.string(),
    docs: z.string(),
    file: z.string().optional(),
    line: z.int().optional(),
    column: z.int().optional(),
    subject: z.string().optional(),
    value: z.unknown().optional(),
    hint: z.string().optional(),
  })
  .openapi('Finding');

/** A stored object, as users read it. */
export const MeshObjectSchema = z
  .object({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.object({
      name: z.string(),
      namespace: z.string().optional(),
      labels: z.record(z.string(), z.string()).optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      resourceVersion: z.string(),
      creationTimestamp: z.string(),
    }),
    spec: z.unknown(),
  })
  .openapi('Object');

/** A list of stored objects. */
export const ObjectList = z
  .object({
    head: z.object({ epoch: z.int(), version: z.int() }),
    items: z.array(MeshObjectSchema),
  })
  .openapi('ObjectList');

const Alarm = z.object({ code: z.string(), message: z.string(), sinceMs: z.number() });

/** GET /v1/status. */
export const StatusSchema = z
  .object({
    trustDomain: z.string(),
    build: z.string(),
    startedAtMs: z.number(),
    nowMs: z.number(),
    head: ConfigPoint,
    converged: z.boolean(),
    convergence: z.object({ lastMs: z.number() }).nullable(),
    proxies: z.object({
      total: z.int(),
      connected: z.int(),
      synced: z.int(),
      pending: z.int(),
      rejected: z.int(),
      offline: z.int(),
    }),
    services: z.int(),
    instances: z.object({ ready: z.int(), notReady: z.int(), suspect: z.int() }),
    traffic: z.object({
      windowS: z.int(),
      rps: z.number(),
      successRatio: Ratio,
      mtlsRatio: Ratio,
      p50Ms: Milliseconds,
      p99Ms: Milliseconds,
    }),
    store: z.object({ kind: z.string(), detail: z.string() }),
    ca: z.object({
      trustPin: z.string(),
      rootNotAfterMs: z.number(),
      issuerNotAfterMs: z.number(),
      leafTtlMs: z.number(),
    }),
    alarms: z.array(Alarm),
  })
  .openapi('Status');

const Sync = z.object({
  kind: z.enum(['synced', 'pending', 'rejected', 'offline']),
  ageMs: z.number(),
  version: z.int().optional().openapi({ description: 'Of what was rejected.' }),
  errors: z.array(ConfigError).optional(),
});

/** GET /v1/proxies. */
export const ProxiesSchema = z
  .object({
    nowMs: z.number(),
    proxies: z.array(
      z.object({
        id: z.string(),
        service: z.string(),
        version: z.string(),
        zone: z.string().nullable(),
        build: z.string(),
        identity: z.string(),
        labels: z.record(z.string(), z.string()),
        sync: Sync,
        config: ConfigPoint.nullable(),
        certNotAfterMs: z.number().nullable(),
        connectedSinceMs: z.number().nullable(),
        lastSeenMs: z.number(),
        instances: z.array(z.string()),
        proxy: z.object({ rssMiB: z.number(), cpuRatio: z.number() }).nullable(),
        rps: z.number(),
        lagMs: z.number().nullable(),
      }),
    ),
  })
  .openapi('Proxies');

/** GET /v1/topology. */
export const TopologySchema = z
  .object({
    nowMs: z.number(),
    windowS: z.int(),
    services: z.array(
      z.object({
        service: z.string(),
        implicit: z.boolean(),
        meshed: z.boolean(),
        ports: z.array(z.object({ port: z.int(), protocol: z.string() })),
        versions: z.array(
          z.object({
            version: z.string(),
            instances: z.array(
              z.object({
                id: z.string(),
                address: z.string(),
                port: z.int(),
                health: z.enum(['ready', 'notReady']),
                state: z.enum(['live', 'grace', 'suspect']),
              }),
            ),
            requestCount: z.int(),
            rps: z.number(),
          }),
        ),
        ...figures,
      }),
    ),
    edges: z.array(
      z.object({
        source: z.string(),
        target: z.string(),
        ...figures,
        mtlsRatio: Ratio,
        retries: z.int(),
        reportedBy: z.enum(['source', 'target']),
        versions: z.array(z.object({ version: z.string(), requestCount: z.int() })),
        totals: z.object({
          requestCount: z.int(),
          failureCount: z.int(),
          mtlsCount: z.int(),
          retries: z.int(),
          inboundRequestCount: z.int(),
          inboundMtlsCount: z.int(),
        }),
      }),
    ),
  })
  .openapi('Topology');

/** GET /v1/events. */
export const EventsSchema = z
  .object({
    events: z.array(
      z.object({
        seq: z.int(),
        atMs: z.number(),
        kind: z.enum(['config', 'instance', 'proxy', 'certificate', 'store', 'directory']),
        severity: z.enum(['info', 'warning', 'error']),
        subject: z.string(),
        message: z.string(),
      }),
    ),
    next: z.int(),
  })
  .openapi('Events');

/** What became of one object of an apply. */
export const ApplyResultSchema = z.object({
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  action: z.enum(['created', 'updated', 'unchanged', 'deleted']),
  resourceVersion: z.string(),
});

/** POST /v1/apply. */
export const AppliedSchema = z
  .object({
    applied: z.boolean(),
    dryRun: z.boolean(),
    epoch: z.int(),
    version: z.int(),
    results: z.array(ApplyResultSchema),
    findings: z.array(FindingSchema),
    wait: z
      .object({
        converged: z.boolean(),
        waitedMs: z.number(),
        connected: z.int(),
        acked: z.int(),
        late: z.array(z.string()),
        rejected: z.array(z.object({ proxy: z.string(), errors: z.array(ConfigError) })),
      })
      .nullable(),
  })
  .openapi('Applied');

/** POST /v1/analyze. */
export const AnalyzedSchema = z
  .object({ ok: z.boolean(), findings: z.array(FindingSchema) })
  .openapi('Analyzed');

/** What is asked of POST /v1/tokens. */
export const TokenRequest = z
  .strictObject({
    namespace: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
      .default('default'),
    service: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
    ttlS: z.int().min(10).max(86_400).default(600),
  })
  .openapi('TokenRequest');

/** POST /v1/tokens. */
export const TokenSchema = z
  .object({
    token: z.string(),
    identity: z.string(),
    expiresAtMs: z.number(),
    trustPin: z.string(),
    trustDomain: z.string(),
    push: z.string(),
  })
  .openapi('Token');
