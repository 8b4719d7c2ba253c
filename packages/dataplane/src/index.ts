export type { Direction } from './call.ts';
export {
  type Applied,
  DataPlane,
  type DataPlaneOptions,
  type Prepared,
  type PushedView,
} from './data-plane.ts';
export { Engine, type EnginePorts } from './engine.ts';
export type { Layer, Step } from './layer.ts';
export { CallMetrics } from './observe/call-metrics.ts';
export { type EdgeDelta, type EdgeReport, EdgeStats } from './observe/edge-stats.ts';
export { CallJournal } from './observe/journal.ts';
export {
  Overload,
  type OverloadStep,
  overloadSteps,
  type Pressures,
  type Resource,
  resources,
} from './overload/overload.ts';
export { type Reason, reasonCodes, reasons } from './reasons.ts';
export { gatewayStack, inboundStack, outboundStack } from './stack.ts';
export type { Subject } from './table/compile.ts';
export type { ResourceError, ResourceFault } from './table/decode.ts';
export { type Door, GatewayTable } from './table/gateway-table.ts';
export type { Destination, RuntimeTable, ServiceEntry } from './table/runtime-table.ts';
export { Cluster, type ClusterHooks } from './upstream/cluster.ts';
export type { Endpoint } from './upstream/endpoint.ts';
export { meshHttp2, workersLabel } from './upstream/mesh-http2.ts';
export type { PoolPorts, TlsLease } from './upstream/pools.ts';
export { viewAfter } from './view-after.ts';
