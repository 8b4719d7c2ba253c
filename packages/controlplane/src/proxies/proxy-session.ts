/** What the proxy book needs to know of a session; the push server's `SessionInfo` fits. */
export interface ProxySession {
  readonly id: string;
  readonly kind: 'joining' | 'member';
  readonly identity: string;
  readonly node: ProxyNode | undefined;
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number;
  /** What the proxy runs, by its own word. */
  readonly acked: ConfigPoint | null;
  /** Up to which revision it has given its verdict. */
  readonly settled: { readonly epoch: number; readonly version: number } | null;
  readonly verdict: 'none' | 'applied' | 'partial' | 'rejected';
  readonly errors: readonly ConfigError[];
  /** Milliseconds since 1970 of the last verdict; 0 before the first. */
  readonly ackedAtMs: number;
  readonly leases: readonly string[];
}

/** Who a proxy says it is; its service has been checked against its certificate. */
export interface ProxyNode {
  readonly id: string;
  readonly service: string;
  readonly namespace: string;
  readonly zone?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly build: string;
}

/** A configuration that somebody runs. */
export interface ConfigPoint {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
}

/** Why a proxy refused a resource. */
export interface ConfigError {
  readonly type: string;
  readonly name: string;
  readonly version: number;
  readonly code: string;
  readonly path: string;
  readonly msg: string;
}
