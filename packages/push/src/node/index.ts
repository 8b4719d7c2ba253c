export type { LeaseInstance } from '../messages/lease.ts';
export type {
  ClientTls,
  Held,
  PushClientLimits,
  PushClientListeners,
  PushClientOptions,
} from './client-options.ts';
export { PushClient, type PushClientStats } from './push-client.ts';
export { PushServer } from './push-server.ts';
export type {
  Caller,
  PushServerLimits,
  PushServerListeners,
  PushServerOptions,
  SessionEnd,
  SessionInfo,
  UpgradeInfo,
} from './server-options.ts';
export type { ServerStat } from './server-stats.ts';
export type { Settlement } from './settled-waiter.ts';
