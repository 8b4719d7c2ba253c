export { Alarms } from './alarms.ts';
export {
  type ApplyAction,
  type ApplyPlan,
  actionOf,
  analyzeStored,
  type ConfigText,
  meshObject,
  planApply,
} from './apply.ts';
export { compileMesh, configInstances, configObject, type Trust } from './compile/compile-mesh.ts';
export {
  advanceMarks,
  type Compiled,
  type Mark,
  type MarkChanges,
  markChanges,
  resourceId,
  versioned,
} from './compile/compiled.ts';
export {
  type ConfigChange,
  ConfigDesk,
  type ConfigDeskOptions,
  type ConfigOutcome,
  type ObjectOutcome,
} from './config-desk.ts';
export {
  type EventKind,
  EventLog,
  type EventSeverity,
  eventCountMax,
  type MeshEvent,
} from './event-log.ts';
export { controlPlaneId, serviceOf, workloadId } from './identity.ts';
export {
  type MeshObject,
  noNamespace,
  type ObjectRef,
  objectDocument,
  objectKey,
  objectValue,
  type StoredObject,
  storedObject,
} from './mesh-object.ts';
export {
  type CompileInput,
  MeshState,
  type MeshStateListeners,
  type MeshStateOptions,
  type MeshView,
  type ObjectChange,
  type ObjectTxn,
  type Urgency,
} from './mesh-state.ts';
export {
  type Alarm,
  type MeshStatus,
  Observatory,
  type ObservatoryOptions,
} from './observatory.ts';
export {
  awaitConvergence,
  type ConvergenceQuestion,
  type ConvergenceReport,
  convergenceNow,
} from './proxies/convergence.ts';
export { HeadHistory } from './proxies/head-history.ts';
export {
  ProxyBook,
  type ProxyBookOptions,
  type ProxyFigures,
  type ProxyStatus,
  type ProxySync,
} from './proxies/proxy-book.ts';
export type { ConfigError, ConfigPoint, ProxyNode, ProxySession } from './proxies/proxy-session.ts';
export { Instance, serviceKey, versionOf } from './registry/instance.ts';
export {
  type InstanceEntry,
  type InstanceState,
  type LeaseRefusal,
  Registry,
  type RegistryOptions,
  registryDefaults,
  type UnsavedInstance,
} from './registry/registry.ts';
export {
  type DeskLeft,
  type DeskRefusal,
  type DeskSessionEnd,
  type RegisteredInstance,
  type RegistryCommand,
  SessionDesk,
  type SessionDeskOptions,
} from './session-desk.ts';
export { MemoryStore, type MemoryStoreOptions } from './store/memory-store.ts';
export {
  type Conflict,
  defaultRevisionCountMax,
  type Expectation,
  type Head,
  type Json,
  type Revision,
  type RevisionPage,
  type Row,
  type RowChange,
  type Space,
  type Store,
  type StoreRecovery,
  type StoreState,
  spaces,
  type Txn,
} from './store/store.ts';
export { StoreError } from './store/store-error.ts';
export { EdgeStat, StatBody } from './traffic/stat.ts';
export {
  drawTopology,
  type EdgeView,
  figuresOf,
  type InstanceView,
  type KnownService,
  mtlsRatioOf,
  type ServiceView,
  type Topology,
  type TopologyInput,
  type TrafficFigures,
  type VersionView,
} from './traffic/topology.ts';
export {
  type ReportSide,
  type SeriesKey,
  type SeriesReport,
  seriesCountMax,
  sumOf,
  Traffic,
  unknownPeer,
} from './traffic/traffic.ts';
export {
  addSum,
  emptySum,
  ringSeconds,
  TrafficSeries,
  type TrafficSum,
} from './traffic/traffic-series.ts';
