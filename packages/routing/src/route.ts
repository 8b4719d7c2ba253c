/**
 * A route as this package takes it: the shape in which configuration is pushed, declared here again
 * so that a table can be compiled from anything that looks like it.
 */

/** How a string must look. `regex` is not served: see `compileRoutes`. */
export interface ValueCondition {
  readonly kind: 'exact' | 'regex';
  /** Header names in lower case; query parameter names as they are. */
  readonly name: string;
  readonly value: string;
}

/** One condition of a rule: all of its parts must hold. */
export interface RouteMatch {
  /** Absent: prefix `/`, which everything has. */
  readonly path?:
    | { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string }
    | undefined;
  /** Case-sensitive (RFC 9110 §9.1). */
  readonly method?: string | undefined;
  readonly headers: readonly ValueCondition[];
  readonly query: readonly ValueCondition[];
}

/** Names to set, add or remove, in lower case. */
export interface HeaderEdit {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** What is done to a request or its reply on the way. */
export type RouteFilter =
  | { readonly kind: 'requestHeaders'; readonly edit: HeaderEdit }
  | { readonly kind: 'responseHeaders'; readonly edit: HeaderEdit };

/** Where a share of a rule's requests goes. */
export interface RouteBackend {
  /** `namespace/name`. */
  readonly service: string;
  readonly port: number;
  /** Share of the sum of all weights of the rule; 0 receives nothing. */
  readonly weight: number;
  /** Why it cannot be used; it keeps its share, which is answered 500. */
  readonly invalid?: string | undefined;
  readonly filters: readonly RouteFilter[];
}

/** Times in milliseconds; not read here. */
export interface RouteTimeouts {
  readonly requestMs?: number | undefined;
  readonly perTryMs?: number | undefined;
  readonly connectMs?: number | undefined;
  readonly idleMs?: number | undefined;
}

/** How a rule retries; not read here. */
export interface RouteRetry {
  readonly retries?: number | undefined;
  readonly statuses?: readonly number[] | undefined;
  readonly grpcStatuses?: readonly number[] | undefined;
  readonly backoffBaseMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  readonly onPerTryTimeout?: boolean | undefined;
  readonly anyMethod?: boolean | undefined;
}

/** Conditions of which one must hold, and what then happens. */
export interface RouteRule {
  readonly name?: string | undefined;
  /** Empty: everything matches. */
  readonly matches: readonly RouteMatch[];
  readonly filters: readonly RouteFilter[];
  readonly backends: readonly RouteBackend[];
  readonly timeouts?: RouteTimeouts | undefined;
  readonly retry?: RouteRetry | undefined;
}

/** A route bound to services. */
export interface RouteInput {
  readonly namespace: string;
  readonly name: string;
  /** `port` narrows the binding to one port of the service. */
  readonly parents: readonly { readonly service: string; readonly port?: number | undefined }[];
  /** Host names in lower case, without port; `*.` in front takes any depth. Empty: every host. */
  readonly hostnames: readonly string[];
  readonly rules: readonly RouteRule[];
  /** Milliseconds since 1970; the older route wins a tie. */
  readonly createdAtMs: number;
}
