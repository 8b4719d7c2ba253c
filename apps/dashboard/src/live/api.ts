/** What the control plane says, as far as this page shows it: the shapes of `/v1/stream` and `/v1/events`. */
export interface Frame {
  readonly t: 'live';
  readonly status: Status;
  readonly proxies: readonly Proxy[];
  readonly topology: Topology;
  readonly events: readonly MeshEvent[];
}

export interface Status {
  readonly trustDomain: string;
  readonly build: string;
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly head: Revision;
  readonly converged: boolean;
  readonly convergence: { readonly lastMs: number } | null;
  readonly proxies: {
    readonly total: number;
    readonly connected: number;
    readonly synced: number;
    readonly pending: number;
    readonly rejected: number;
    readonly offline: number;
  };
  readonly services: number;
  readonly instances: {
    readonly ready: number;
    readonly notReady: number;
    readonly suspect: number;
  };
  readonly ca: { readonly leafTtlMs: number };
  readonly traffic: Traffic;
  readonly alarms: readonly Alarm[];
}

export interface Revision {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
}

export interface Traffic {
  readonly windowS: number;
  readonly rps: number;
  readonly successRatio: number | null;
  readonly mtlsRatio: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Alarm {
  readonly code: string;
  readonly message: string;
  readonly sinceMs: number;
}

export interface ConfigFault {
  readonly type: string;
  readonly name: string;
  readonly path: string;
  readonly msg: string;
}

export type Sync =
  | { readonly kind: 'synced' | 'pending' | 'offline'; readonly ageMs: number }
  | {
      readonly kind: 'rejected';
      readonly ageMs: number;
      readonly version: number;
      readonly errors: readonly ConfigFault[];
    };

export interface Proxy {
  readonly id: string;
  readonly service: string;
  readonly version: string | null;
  readonly sync: Sync;
  readonly config: Revision | null;
  readonly certNotAfterMs: number | null;
  readonly connectedSinceMs: number | null;
  readonly lastSeenMs: number;
  readonly proxy: { readonly rssMiB: number; readonly cpuRatio: number } | null;
  readonly rps: number | null;
}

export interface Instance {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly health: 'ready' | 'notReady';
  readonly state: 'live' | 'suspect' | 'grace';
}

export interface ServiceVersion {
  readonly version: string;
  readonly instances: readonly Instance[];
  readonly rps: number;
  readonly requestCount: number;
}

export interface Service {
  readonly service: string;
  readonly meshed: boolean;
  readonly versions: readonly ServiceVersion[];
  readonly rps: number;
  readonly requestCount: number;
  readonly failureCount: number;
  readonly successRatio: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Edge {
  readonly source: string;
  readonly target: string;
  readonly requestCount: number;
  readonly failureCount: number;
  readonly rps: number;
  readonly successRatio: number | null;
  readonly mtlsRatio: number | null;
  readonly retries: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly reportedBy: 'source' | 'target';
  readonly versions: readonly { readonly version: string; readonly requestCount: number }[];
}

export interface Topology {
  readonly windowS: number;
  readonly services: readonly Service[];
  readonly edges: readonly Edge[];
}

export interface MeshEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'error';
  readonly subject: string;
  readonly message: string;
}

/** The frame in a message, or undefined if it is another kind of message or none at all. */
export function parseFrame(text: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false;
  const frame = value as Partial<Frame>;
  const hasLists = Array.isArray(frame.proxies) && Array.isArray(frame.topology?.edges);
  return frame.t === 'live' && frame.status !== undefined && hasLists;
}
