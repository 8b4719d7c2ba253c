/**
 * What was decided about one request, and why: the answer to `leno why`. Plain data that JSON can
 * carry; filled while the request goes, kept for every failure and for the most recent requests.
 */

/** An endpoint that was looked at, and what spoke against it. */
export interface EndpointNote {
  readonly id: string;
  readonly address: string;
  /** The balancer's cost; lower is better. */
  readonly score?: number;
  readonly breaker?: 'closed' | 'half-open' | 'open';
  /** Why it was not taken; absent for one that could have been. */
  readonly excludedBy?: string;
}

/** One try. */
export interface AttemptNote {
  readonly endpointId: string;
  readonly startedAfterMs: number;
  readonly durationMs: number;
  /** The status of the reply, or the reason why there was none. */
  readonly result: AttemptReply | AttemptFailure;
}

/** A try with a reply. */
export interface AttemptReply {
  readonly kind: 'reply';
  readonly status: number;
  /** Its gRPC code, `0` to `16` or `unknown`; absent for what is not gRPC. */
  readonly grpcStatus?: string;
}

/** A try without a reply. */
export interface AttemptFailure {
  readonly kind: 'failure';
  readonly reason: string;
  readonly unprocessed: boolean;
  readonly detail: string;
}

/** What the access policies have said. */
export interface AccessNote {
  readonly decision: 'allow' | 'deny';
  /** '' where no rule decided. */
  readonly policy: string;
  readonly rule: string;
  readonly why: string;
  /** Policies on trial that would have denied, and AUDIT rules that matched. */
  readonly wouldDeny?: { readonly policy: string; readonly rule: string } | undefined;
  readonly audited?: { readonly policy: string; readonly rule: string } | undefined;
}

/** All that is known about one request. */
export interface DecisionRecord {
  /** `x-request-id`, or else made. */
  readonly requestId: string;
  readonly traceId: string | undefined;
  readonly startedAtWallMs: number;
  readonly durationMs: number;
  readonly dir: 'inbound' | 'outbound';
  readonly method: string;
  readonly authority: string;
  /** Without the query, which may carry secrets. */
  readonly path: string;
  /** The destination, or inbound the authenticated caller; `unknown` if neither was found. */
  readonly peer: string;
  readonly identity: string | undefined;
  readonly route: { readonly name: string; readonly rule: string } | undefined;
  /** Inbound: what the access policies have said, and which. Absent where nothing was asked. */
  readonly access?: AccessNote | undefined;
  /** The configuration that decided. */
  readonly revision: { readonly epoch: number; readonly version: number };
  readonly endpoints: readonly EndpointNote[];
  readonly attempts: readonly AttemptNote[];
  /** Why no further try was made, if one had failed. */
  readonly notRetriedBecause: string | undefined;
  readonly status: number;
  /** The gRPC code that the caller saw, `0` to `16` or `unknown`; absent for what is not gRPC. */
  readonly grpcStatus?: string;
  /** The reason code of a failure that the mesh itself answered; undefined otherwise. */
  readonly reason: string | undefined;
  /** In words, where the reason says less. */
  readonly detail?: string;
  readonly outcome: 'success' | 'failure';
}
