export { ConnectionCap } from './connection-cap.ts';
export type {
  BodySink,
  ClientTry,
  OutgoingRequest,
  Peer,
  RequestHead,
  ResponseHead,
  ServerExchange,
  TryEvents,
  TryFailure,
} from './exchange.ts';
export { FieldError } from './field-error.ts';
export { FieldList } from './fields.ts';
export type { FloodLimits, FloodStats } from './h2/flood-guard.ts';
export type { H2Limits, H2Stats } from './h2/h2-options.ts';
export { type MessageLimits, messageLimits, type ServerLimits, serverLimits } from './limits.ts';
export type { ClientPool, PoolLimits, PoolStats, UpstreamPoolOptions } from './pool-options.ts';
export { createHttpServer } from './server.ts';
export type {
  HttpServer,
  HttpServerOptions,
  ListenOptions,
  Rejection,
  ServerRelief,
  ServerStats,
} from './server-options.ts';
export type { TlsClientOptions, TlsServerOptions, VerifyPeer } from './tls-options.ts';
export { UpstreamAlpnPool } from './upstream-alpn-pool.ts';
export { type H2Spread, UpstreamH2Pool, type UpstreamH2PoolOptions } from './upstream-h2-pool.ts';
export { UpstreamPool } from './upstream-pool.ts';
