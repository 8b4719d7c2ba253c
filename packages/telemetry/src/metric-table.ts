/**
 * Every metric of the mesh in one table: names, labels and help are public, and this is the only
 * place that says them. Label values come from configuration and from closed sets, never from what a
 * client sent; what matches nothing is `unknown`. Times are in seconds, sizes in bytes.
 */
import type { Counter, Gauge, Histogram, MetricSpec } from './metric-family.ts';
import type { MetricStore } from './metric-store.ts';

/** Upper bounds in seconds of what a caller waits for. */
const requestBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
/** Upper bounds in seconds of what the proxy itself takes. */
const overheadBuckets = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
] as const;

/**
 * `dir` is `inbound` or `outbound`; `peer` is the service called, or inbound the authenticated
 * caller (`namespace/service`); `tls` is `mtls`, `tls` or `none`, on both sides of a hop.
 */
export const metricTable = {
  requests: {
    kind: 'counter',
    name: 'leno_requests_total',
    help: 'Requests as their caller saw them end; flags is the reason of a failure, or -.',
    labelNames: ['dir', 'peer', 'route', 'status', 'flags', 'tls', 'grpc_status'],
  },
  requestDuration: {
    kind: 'histogram',
    name: 'leno_request_duration_seconds',
    help: 'From the first byte of a request to the last byte of its reply.',
    labelNames: ['dir', 'peer', 'route', 'outcome'],
    buckets: requestBuckets,
  },
  proxyOverhead: {
    kind: 'histogram',
    name: 'leno_proxy_overhead_seconds',
    help: 'Time spent in the proxy itself: the whole duration without that of the upstream.',
    labelNames: ['dir'],
    buckets: overheadBuckets,
  },
  requestBytes: {
    kind: 'counter',
    name: 'leno_request_bytes_total',
    help: 'Bytes of request bodies.',
    labelNames: ['dir', 'peer'],
  },
  responseBytes: {
    kind: 'counter',
    name: 'leno_response_bytes_total',
    help: 'Bytes of reply bodies.',
    labelNames: ['dir', 'peer'],
  },
  activeRequests: {
    kind: 'gauge',
    name: 'leno_active_requests',
    help: 'Requests under way.',
    labelNames: ['dir', 'peer'],
  },
  upstreamAttempts: {
    kind: 'counter',
    name: 'leno_upstream_attempts_total',
    help: 'Tries, retries included; result is success, failure, refused, timeout or reset.',
    labelNames: ['peer', 'result', 'hedge'],
  },
  retries: {
    kind: 'counter',
    name: 'leno_retries_total',
    help: 'Retries sent and their success, and why retries were not sent.',
    labelNames: ['peer', 'route', 'result'],
  },
  retryBudgetRemaining: {
    kind: 'gauge',
    name: 'leno_retry_budget_remaining_ratio',
    help: 'Share of the retry budget that is left.',
    labelNames: ['peer'],
    merge: 'min',
  },
  timeouts: {
    kind: 'counter',
    name: 'leno_timeouts_total',
    help: 'Timeouts by kind: connect, per_try, request, idle or stream.',
    labelNames: ['peer', 'route', 'kind'],
  },
  breakerState: {
    kind: 'gauge',
    name: 'leno_circuit_breaker_state',
    help: '0 closed, 1 half-open, 2 open.',
    labelNames: ['peer', 'endpoint'],
    merge: 'max',
  },
  breakerTransitions: {
    kind: 'counter',
    name: 'leno_circuit_breaker_transitions_total',
    help: 'Changes of state of circuit breakers.',
    labelNames: ['peer', 'from', 'to', 'reason'],
  },
  breakerRejected: {
    kind: 'counter',
    name: 'leno_circuit_breaker_rejected_total',
    help: 'Requests refused because no circuit breaker admitted them.',
    labelNames: ['peer'],
  },
  outlierEjections: {
    kind: 'counter',
    name: 'leno_outlier_ejections_total',
    help: 'Ejections detected; enforced says whether the ejection cap let them happen.',
    labelNames: ['peer', 'kind', 'enforced'],
  },
  endpoints: {
    kind: 'gauge',
    name: 'leno_endpoints',
    help: 'Endpoints by state: healthy, degraded, ejected, draining or warming.',
    labelNames: ['peer', 'state'],
    merge: 'max',
  },
  routeNotFound: {
    kind: 'counter',
    name: 'leno_route_not_found_total',
    help: 'Requests for which there is no route.',
    labelNames: ['dir'],
  },
  authz: {
    kind: 'counter',
    name: 'leno_authz_total',
    help: 'Decisions of access policies: allow, deny, would_deny (on trial) or audit; policy is none where no rule decided.',
    labelNames: ['policy', 'decision', 'peer'],
  },
  connections: {
    kind: 'gauge',
    name: 'leno_connections',
    help: 'Open connections.',
    labelNames: ['dir', 'peer'],
  },
  connectionsOpened: {
    kind: 'counter',
    name: 'leno_connections_opened_total',
    help: 'Connections opened.',
    labelNames: ['dir', 'peer'],
  },
  connectionsClosed: {
    kind: 'counter',
    name: 'leno_connections_closed_total',
    help: 'Connections closed, by reason.',
    labelNames: ['dir', 'peer', 'reason'],
  },
  limitReached: {
    kind: 'counter',
    name: 'leno_limit_reached_total',
    help: 'What a listener turned away, refused or closed at a bound; its README names each limit.',
    labelNames: ['listener', 'limit'],
  },
  upstreamLimitReached: {
    kind: 'counter',
    name: 'leno_upstream_limit_reached_total',
    help: 'Bounds reached towards the endpoints of a service; the README names each limit.',
    labelNames: ['peer', 'limit'],
  },
  tableLimitReached: {
    kind: 'counter',
    name: 'leno_table_limit_reached_total',
    help: 'Bounds of what a proxy remembers of others, reached; its README names each limit.',
    labelNames: ['limit'],
  },
  listenerConnections: {
    kind: 'gauge',
    name: 'leno_listener_connections',
    help: 'Open connections of a listener, those in their handshake included.',
    labelNames: ['listener'],
  },
  listenerAccepted: {
    kind: 'counter',
    name: 'leno_listener_accepted_total',
    help: 'Connections that came to a listener, those turned away included.',
    labelNames: ['listener'],
  },
  listenerRequests: {
    kind: 'gauge',
    name: 'leno_listener_active_requests',
    help: 'Requests under way on a listener, whatever version of HTTP they came in.',
    labelNames: ['listener'],
  },
  listenerStreams: {
    kind: 'gauge',
    name: 'leno_listener_streams',
    help: 'Open streams of a listener over HTTP/2.',
    labelNames: ['listener'],
  },
  overloadPressure: {
    kind: 'gauge',
    name: 'leno_overload_pressure_ratio',
    merge: 'max',
    help: 'How much of a resource is used up: heap, memory, connections or loop_delay.',
    labelNames: ['resource'],
  },
  overloadState: {
    kind: 'gauge',
    name: 'leno_overload_state',
    merge: 'max',
    help: '0 none, 1 saves connections, 2 refuses requests, 3 takes no connection.',
    labelNames: [],
  },
  overloadShed: {
    kind: 'counter',
    name: 'leno_overload_shed_total',
    help: 'What was given up in overload: connection (turned away), idle (closed) or request.',
    labelNames: ['listener', 'kind'],
  },
  tcpConnections: {
    kind: 'gauge',
    name: 'leno_tcp_connections',
    help: 'TCP connections that are carried, or dialled, now: those of which only bytes are known.',
    labelNames: ['dir', 'peer'],
  },
  tcpConnectionsOpened: {
    kind: 'counter',
    name: 'leno_tcp_connections_opened_total',
    help: 'TCP connections that were taken, whatever became of them.',
    labelNames: ['dir', 'peer'],
  },
  tcpConnectionsClosed: {
    kind: 'counter',
    name: 'leno_tcp_connections_closed_total',
    help: 'TCP connections that ended: done, idle-timeout, or the code of another reason.',
    labelNames: ['dir', 'peer', 'reason'],
  },
  tcpReceivedBytes: {
    kind: 'counter',
    name: 'leno_tcp_received_bytes_total',
    help: 'Bytes of TCP connections on their way to the service that was called.',
    labelNames: ['dir', 'peer'],
  },
  tcpSentBytes: {
    kind: 'counter',
    name: 'leno_tcp_sent_bytes_total',
    help: 'Bytes of TCP connections on their way to the client.',
    labelNames: ['dir', 'peer'],
  },
  tlsHandshakes: {
    kind: 'counter',
    name: 'leno_tls_handshakes_total',
    help: 'TLS handshakes and how they ended.',
    labelNames: ['dir', 'result', 'reason'],
  },
  tlsHandshakeDuration: {
    kind: 'histogram',
    name: 'leno_tls_handshake_seconds',
    help: 'Duration of TLS handshakes.',
    labelNames: ['dir', 'resumed'],
    buckets: requestBuckets,
  },
  gatewayPortUp: {
    kind: 'gauge',
    name: 'leno_gateway_port_up',
    help: '1 if a port that the configuration of this gateway names is open.',
    labelNames: ['port'],
    merge: 'min',
  },
  gatewayCertNotAfter: {
    kind: 'gauge',
    name: 'leno_gateway_cert_not_after_seconds',
    help: 'End of validity of a certificate that this gateway shows, in seconds since 1970.',
    labelNames: ['certificate'],
    merge: 'min',
  },
  certNotAfter: {
    kind: 'gauge',
    name: 'leno_cert_not_after_seconds',
    help: 'End of validity of a certificate, in seconds since 1970.',
    labelNames: ['kind', 'spiffe_id'],
    merge: 'max',
  },
  certNotBefore: {
    kind: 'gauge',
    name: 'leno_cert_not_before_seconds',
    help: 'Start of validity of a certificate, in seconds since 1970.',
    labelNames: ['kind', 'spiffe_id'],
    merge: 'max',
  },
  certRotations: {
    kind: 'counter',
    name: 'leno_cert_rotations_total',
    help: 'Renewals of the own certificate.',
    labelNames: ['result'],
  },
  configVersion: {
    kind: 'gauge',
    name: 'leno_config_version_info',
    help: 'Always 1; the labels say which configuration is in force.',
    labelNames: ['version', 'hash'],
    merge: 'max',
  },
  configUpdates: {
    kind: 'counter',
    name: 'leno_config_updates_total',
    help: 'Configurations received: ack, nack or noop.',
    labelNames: ['type', 'result'],
  },
  configLag: {
    kind: 'gauge',
    name: 'leno_config_lag_seconds',
    help: 'Age of the configuration in force when it was acknowledged.',
    labelNames: ['type'],
    merge: 'max',
  },
  configApply: {
    kind: 'histogram',
    name: 'leno_config_apply_seconds',
    help: 'Time from the arrival of a configuration to its being in force.',
    labelNames: ['type'],
    buckets: requestBuckets,
  },
  controlConnected: {
    kind: 'gauge',
    name: 'leno_control_connected',
    help: '1 while the session with the control plane stands.',
    labelNames: [],
    merge: 'max',
  },
  controlReconnects: {
    kind: 'counter',
    name: 'leno_control_reconnects_total',
    help: 'Sessions with the control plane that were begun again.',
    labelNames: ['reason'],
  },
  telemetryDropped: {
    kind: 'counter',
    name: 'leno_telemetry_dropped_total',
    help: 'What telemetry lost at a bound: span, log, tap, series or merged_series.',
    labelNames: ['signal'],
  },
  workerUp: {
    kind: 'gauge',
    name: 'leno_worker_up',
    help: '1 while a worker process serves; absent where one process does everything.',
    labelNames: ['worker'],
    merge: 'max',
  },
  workerRestarts: {
    kind: 'counter',
    name: 'leno_worker_restarts_total',
    help: 'Worker processes that ended by themselves and were started again.',
    labelNames: ['worker'],
  },
  buildInfo: {
    kind: 'gauge',
    name: 'leno_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'node'],
    merge: 'max',
  },
} as const satisfies Record<string, MetricSpec>;

type Table = typeof metricTable;
type FamilyOf<Spec extends MetricSpec> = Spec['kind'] extends 'counter'
  ? Counter<Spec['labelNames']>
  : Spec['kind'] extends 'gauge'
    ? Gauge<Spec['labelNames']>
    : Histogram<Spec['labelNames']>;

/** The families of the table, each by its short name. */
export type MeshMetrics = { readonly [Key in keyof Table]: FamilyOf<Table[Key]> };

/** Makes every family of the table in `store`, and keeps the store's own drop counter. */
export function createMeshMetrics(store: MetricStore): MeshMetrics {
  const families = Object.entries(metricTable).map(([key, spec]: [string, MetricSpec]) => {
    if (spec.kind === 'counter') return [key, store.counter(spec)];
    return [key, spec.kind === 'gauge' ? store.gauge(spec) : store.histogram(spec)];
  });
  const metrics = Object.fromEntries(families) as MeshMetrics;
  const series = metrics.telemetryDropped.handle('series');
  store.onCollect(() => {
    const seen = metrics.telemetryDropped.value(series);
    metrics.telemetryDropped.add(series, store.overflowCount - seen);
  });
  return metrics;
}
