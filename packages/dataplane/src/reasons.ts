/**
 * The closed list of ways in which the mesh itself ends a request: code, status, whom to blame, the
 * RFC 9209 error type, and a sentence for people. Replies, metrics, logs and `leno why` read this
 * table and nothing else. To a call of gRPC the status is said as one of its codes: as
 * http-grpc-status-mapping.md of gRPC translates it, but for what gRPC has a better word.
 */
import type { Fault } from '@leno/std';
import {
  GRPC_CANCELLED,
  GRPC_DEADLINE_EXCEEDED,
  GRPC_INTERNAL,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNAVAILABLE,
  grpcStatusOfHttp,
} from './grpc/grpc-status.ts';

interface ReasonEntry {
  /** Status of the reply; `fault-injected` says its own. */
  readonly status: number;
  readonly fault: Fault;
  /** Error type of `Proxy-Status` (RFC 9209 §2.3). */
  readonly proxyError: string;
  readonly title: string;
}

const entry = (status: number, fault: Fault, proxyError: string, title: string): ReasonEntry => ({
  status,
  fault,
  proxyError,
  title,
});

export const reasons = {
  'no-route': entry(404, 'downstream', 'destination_not_found', 'no route for this destination'),
  'no-endpoint': entry(503, 'upstream', 'destination_unavailable', 'no ready endpoint'),
  'breaker-open': entry(503, 'upstream', 'destination_unavailable', 'every breaker is open'),
  overflow: entry(503, 'upstream', 'connection_limit_reached', 'a limit towards it is reached'),
  'connect-failed': entry(503, 'upstream', 'connection_refused', 'no connection could be made'),
  'upstream-reset': entry(503, 'upstream', 'connection_terminated', 'the connection broke off'),
  'upstream-protocol': entry(502, 'upstream', 'http_protocol_error', 'the reply was malformed'),
  'request-timeout': entry(504, 'upstream', 'http_response_timeout', 'the request took too long'),
  'per-try-timeout': entry(504, 'upstream', 'http_response_timeout', 'a try took too long'),
  'connect-timeout': entry(504, 'upstream', 'connection_timeout', 'connecting took too long'),
  'rate-limited': entry(429, 'downstream', 'http_request_denied', 'too many requests'),
  denied: entry(403, 'downstream', 'http_request_denied', 'a policy denies this caller'),
  unauthenticated: entry(401, 'downstream', 'http_request_denied', 'the caller has no identity'),
  'bad-request': entry(400, 'downstream', 'http_request_error', 'the request is malformed'),
  'head-too-large': entry(431, 'downstream', 'http_request_error', 'the head is too large'),
  'body-too-large': entry(413, 'downstream', 'http_request_error', 'the body is too large'),
  misdirected: entry(421, 'downstream', 'http_request_error', 'this is not the place for it'),
  'fault-injected': entry(503, 'mesh', 'proxy_internal_response', 'a fault was injected'),
  'invalid-backend': entry(500, 'mesh', 'proxy_configuration_error', 'the backend is not valid'),
  draining: entry(503, 'mesh', 'destination_unavailable', 'this proxy is going away'),
  'client-gone': entry(499, 'downstream', 'http_request_error', 'the client went away'),
  'client-timeout': entry(408, 'downstream', 'http_request_error', 'the client was too slow'),
  overloaded: entry(503, 'mesh', 'connection_limit_reached', 'this proxy is overloaded'),
  'upstream-identity': entry(
    502,
    'upstream',
    'tls_certificate_error',
    'it is not who it should be',
  ),
  'filter-failed': entry(500, 'mesh', 'proxy_internal_error', 'the proxy failed'),
} as const satisfies Record<string, ReasonEntry>;

/** Why the mesh ended a request. */
export type Reason = keyof typeof reasons;

/** All codes, in the order of the table. */
export const reasonCodes = Object.keys(reasons) as readonly Reason[];

/** Where gRPC has a better word than its translation of the status. */
const ownGrpcStatus: Partial<Record<Reason, number>> = {
  // Translated they would be `UNAVAILABLE`, which asks for another try.
  'request-timeout': GRPC_DEADLINE_EXCEEDED,
  'per-try-timeout': GRPC_DEADLINE_EXCEEDED,
  // Likewise: who is told to slow down must not be told to come again (linkerd2-proxy).
  'rate-limited': GRPC_RESOURCE_EXHAUSTED,
  // What libraries of gRPC say of messages and metadata that are too large.
  'head-too-large': GRPC_RESOURCE_EXHAUSTED,
  'body-too-large': GRPC_RESOURCE_EXHAUSTED,
  // GRPCRoute of the Gateway API.
  'invalid-backend': GRPC_UNAVAILABLE,
  'client-gone': GRPC_CANCELLED,
  'client-timeout': GRPC_CANCELLED,
  'filter-failed': GRPC_INTERNAL,
};

/** The gRPC code that says `reason` to a caller. */
export function grpcStatusOfReason(reason: Reason): number {
  return ownGrpcStatus[reason] ?? grpcStatusOfHttp(reasons[reason].status);
}
