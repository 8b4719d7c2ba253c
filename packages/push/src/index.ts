export { viewDigest } from '@leno/config';
export {
  type ClientCounter,
  type ClientEffect,
  type ClientEvent,
  type ClientMachineOptions,
  type ClientPhase,
  type ClientState,
  type ClientStatus,
  type ClientStep,
  clientStatus,
  clientWakeMs,
  createClientState,
  type StartHeld,
} from './client/client-state.ts';
export { clientStep } from './client/client-step.ts';
export { resourcesAfter } from './client/merge-view.ts';
export { type Loss, reconnectDelayMs } from './client/reconnect-delay.ts';
export type { Moment } from './heartbeat.ts';
export {
  Ack,
  ClientMessage,
  Csr,
  Hello,
  Leave,
  Resync,
  Stat,
} from './messages/client-messages.ts';
export { type CloseCode, closeCodes } from './messages/close-code.ts';
export {
  type DecodeFault,
  decodeClientMessage,
  decodeServerMessage,
  type EncodeFault,
  encodeMessage,
  subprotocol,
} from './messages/codec.ts';
export { type LeaseCommand, LeaseInstance, type LeaseMessage } from './messages/lease.ts';
export { type NodeInfo, nodeInfo, WireNode, wireNode } from './messages/node-info.ts';
export { compareRevisions, Have, Revision } from './messages/revision.ts';
export {
  ErrorMessage,
  type Left,
  LeftMessage,
  Mark,
  type Refusal,
  ServerMessage,
  Snapshot,
  type Svid,
  SvidMessage,
  Welcome,
} from './messages/server-messages.ts';
export {
  ApplyError,
  type ApplyResult,
  HeldResource,
  type View,
  WireResource,
} from './messages/view.ts';
export { PushRefusedError } from './push-refused-error.ts';
export { type ChangeClass } from './server/debounce.ts';
export { createServerState, serverStep } from './server/server-step.ts';
export {
  type Inflight,
  type RejectedBundle,
  type ServerCounter,
  type ServerEffect,
  type ServerEvent,
  type ServerState,
  type ServerStep,
  type SessionOptions,
  type SessionPhase,
  serverWakeMs,
} from './server/session-state.ts';
