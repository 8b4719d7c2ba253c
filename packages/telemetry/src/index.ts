export { type AccessEntry, AccessLog, type AccessLogOptions, type LogSink } from './access-log.ts';
export type {
  AttemptFailure,
  AttemptNote,
  AttemptReply,
  DecisionRecord,
  EndpointNote,
} from './decision-record.ts';
export { FlightRecorder, type FlightRecorderOptions } from './flight-recorder.ts';
export { LogLinearHistogram } from './log-linear.ts';
export {
  Counter,
  type FamilySnapshot,
  Gauge,
  type Handle,
  Histogram,
  type LabelValues,
  type MetricSpec,
  type Sample,
} from './metric-family.ts';
export { MetricMerge, type MetricMergeOptions } from './metric-merge.ts';
export { type AnyFamily, MetricStore, type MetricStoreOptions } from './metric-store.ts';
export { createMeshMetrics, type MeshMetrics, metricTable } from './metric-table.ts';
export {
  type BridgedMetric,
  type BridgedValues,
  bridgeToPromClient,
} from './prom-client-bridge.ts';
export { parsePrometheus } from './prometheus-parse.ts';
export { prometheusChunks, prometheusContentType, renderPrometheus } from './prometheus-text.ts';
export { grpcStatusName, RequestCells, type RequestPrefix } from './request-cells.ts';
export type { SeriesOptions } from './series-table.ts';
export {
  childContext,
  formatTraceparent,
  isSampled,
  isTraceparent,
  parseTraceparent,
  rootContext,
  sampledFlag,
  type TraceContext,
} from './trace-context.ts';
export { IdSource, isRequestId, type RandomFill, requestIdCharsMax } from './trace-ids.ts';
export {
  formatTracestate,
  parseTracestate,
  type TraceStateMember,
  withTracestate,
} from './trace-state.ts';
