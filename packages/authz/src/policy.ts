/** Access policies as data: what is compiled. */

/** `ALLOW` and `DENY` decide; `AUDIT` only says that it matched. */
export type AccessAction = 'ALLOW' | 'DENY' | 'AUDIT';

/** One policy. Without rules it matches nothing: an ALLOW of that kind lets nobody in. */
export interface AccessPolicy {
  /** Named in decisions. */
  readonly name: string;
  readonly action: AccessAction;
  /** Decides nothing, and is heard of in `wouldDeny`. Default false. */
  readonly dryRun?: boolean | undefined;
  readonly rules: readonly AccessRule[];
}

/** All parts must match; a part lists alternatives. Without parts it matches everything. */
export interface AccessRule {
  /** Named in decisions; default its place, `rules[0]`. */
  readonly name?: string | undefined;
  readonly from?: AccessSource | undefined;
  readonly to?: AccessTarget | undefined;
  readonly when?: readonly AccessCondition[] | undefined;
}

/** Who calls, by its SPIFFE id. */
export interface AccessSource {
  /** Whole ids, or with one `*` at the beginning or the end; every other character is literal. */
  readonly principals?: readonly string[] | undefined;
  /** The `NAMESPACE` of `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE`. */
  readonly namespaces?: readonly string[] | undefined;
  readonly trustDomains?: readonly string[] | undefined;
}

/** What is called. All but `ports` is of HTTP alone. */
export interface AccessTarget {
  /** Host names, without regard to case, a dot at the end, and a port unless one is written. */
  readonly hosts?: readonly string[] | undefined;
  readonly ports?: readonly number[] | undefined;
  /** With case. */
  readonly methods?: readonly string[] | undefined;
  /** Compared with the path as `normalizePath` gives it, without its query. */
  readonly paths?: readonly PathCondition[] | undefined;
  /** Methods of gRPC: `service` is `package.Service`; without `method`, all of it. */
  readonly grpc?: readonly GrpcMethod[] | undefined;
}

/** `prefix` is matched by whole segments: `/a` has `/a` and `/a/b`, not `/ab`. */
export type PathCondition = { readonly exact: string } | { readonly prefix: string };

/** See `AccessTarget.grpc`. */
export interface GrpcMethod {
  readonly service: string;
  readonly method?: string | undefined;
}

/** What can be asked about a connection; `source.ip` takes addresses and CIDR ranges. */
export type AccessAttribute =
  | 'source.ip'
  | 'source.principal'
  | 'source.namespace'
  | 'destination.port';

/**
 * A header has one of the values: as a whole line, or as a member of a comma-separated one. Or an
 * attribute of the connection has.
 */
export type AccessCondition =
  | { readonly header: string; readonly values: readonly string[] }
  | { readonly attribute: AccessAttribute; readonly values: readonly string[] };

/** The attributes that exist. */
export const accessAttributes: readonly AccessAttribute[] = [
  'source.ip',
  'source.principal',
  'source.namespace',
  'destination.port',
];
