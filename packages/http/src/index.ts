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
export { InvalidOptionError } from './invalid-option-error.ts';
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
export { newServerStats } from './server-stats.ts';
export { ClientHelloReader, type HelloReading } from './tcp/client-hello.ts';
export { type TcpRefusal, tcpAnswer } from './tcp/tcp-answer.ts';
export { TcpDial, type TcpDialFailure, type TcpDialOptions } from './tcp/tcp-dial.ts';
export { TcpPump, type TcpPumpEnd } from './tcp/tcp-pump.ts';
export {
  newTcpServerStats,
  TcpServer,
  type TcpServerOptions,
  type TcpServerStats,
} from './tcp/tcp-server.ts';
export type { TcpSocket } from './tcp/tcp-socket.ts';
export type {
  MutualTlsOptions,
  PublicTlsOptions,
  ServerCertificate,
  TlsClientOptions,
  TlsServerOptions,
  VerifyPeer,
} from './tls-options.ts';
export { UpstreamAlpnPool } from './upstream-alpn-pool.ts';
export { type H2Spread, UpstreamH2Pool, type UpstreamH2PoolOptions } from './upstream-h2-pool.ts';
export { UpstreamPool } from './upstream-pool.ts';
