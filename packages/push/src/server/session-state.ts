import { type Heartbeat, heartbeatWakeMs, type Moment } from '../heartbeat.ts';
import type { Ack, ClientMessage } from '../messages/client-messages.ts';
import type { CloseCode } from '../messages/close-code.ts';
import type { DecodeFault } from '../messages/codec.ts';
import type { LeaseCommand } from '../messages/lease.ts';
import type { NodeInfo } from '../messages/node-info.ts';
import type { Have, Revision } from '../messages/revision.ts';
import type { Refusal, ServerMessage } from '../messages/server-messages.ts';
import type { ApplyError, ApplyResult, View } from '../messages/view.ts';
import type { TokenBucket } from '../token-bucket.ts';

/** What never changes in the machine of one session. */
export interface SessionOptions {
  readonly session: string;
  readonly server: string;
  readonly role: 'joining' | 'member';
  readonly heartbeatMs: number;
  readonly ackTimeoutMs: number;
  readonly requestCountMax: number;
  readonly leaseCountMax: number;
  readonly statsPerSecond: number;
  /** When the peer's certificate ends, on the clock of the events; `Infinity` if it does not. */
  readonly expiresAtMs: number;
}

/**
 *   joining                               (csr only, closed after 30 s)
 *   greeting -> deciding -> live          (hello came; its owner admits)
 *                    \-> hold -> live     (the proxy is ahead: 2 s to catch up, then 4409)
 */
export type SessionPhase = 'joining' | 'greeting' | 'deciding' | 'hold' | 'live' | 'closed';

/** The one config message that has no verdict yet (R1). */
export interface Inflight {
  readonly nonce: number;
  readonly view: View;
  readonly sentAtMs: number;
}

/**
 * A bundle that the proxy refused. It is not sent again on this session while `content`, the exact
 * versions of all its resources, stays the same (S7): a change to any of them may be the cure.
 */
export interface RejectedBundle {
  readonly bundle: string;
  readonly content: string;
}

/** Everything that one session's machine knows; plain data, and O(1) beside the shared views. */
export interface ServerState {
  readonly options: SessionOptions;
  readonly phase: SessionPhase;
  /** Until when the present phase may last. */
  readonly untilMs: number;
  readonly heartbeat: Heartbeat;
  readonly node: NodeInfo | null;
  readonly caps: readonly string[];
  readonly subs: readonly string[];
  /** What `hello` said the proxy runs. */
  readonly have: Have | null;
  /** The newest view for this proxy; latest wins (R1). */
  readonly head: View | null;
  readonly inflight: Inflight | null;
  /** What the proxy runs, by its own word. */
  readonly acked: Have | null;
  /** The view on which the proxy gave its last verdict; its version moves on with marks. */
  readonly settled: Have | null;
  readonly verdict: ApplyResult['status'] | 'none';
  readonly errors: readonly ApplyError[];
  readonly applyMs: number;
  readonly rejected: readonly RejectedBundle[];
  /** Whole rejections in a row, and until when the next attempt waits for them. */
  readonly rejectionCount: number;
  readonly notBeforeMs: number;
  /** The revision that the proxy was last told of, and until when the next mark waits. */
  readonly told: Revision | null;
  readonly markNotBeforeMs: number;
  readonly nonce: number;
  readonly resyncCount: number;
  readonly malformedCount: number;
  readonly leases: readonly string[];
  /** `ref`s of requests that the owner is working on. */
  readonly requests: readonly string[];
  readonly stats: TokenBucket;
  readonly csrs: TokenBucket;
}

/** What can happen to a session. */
export type ServerEvent = Moment &
  (
    | { readonly kind: 'message'; readonly message: ClientMessage }
    | { readonly kind: 'malformed'; readonly fault: DecodeFault }
    | { readonly kind: 'heard' | 'tick' }
    /** The owner's word on `hello`, and what the proxy is to hold. */
    | { readonly kind: 'admit'; readonly view: View | undefined }
    | { readonly kind: 'refuse'; readonly refusal: Refusal }
    /** What the proxy is to hold may have changed. */
    | { readonly kind: 'view'; readonly view: View | undefined }
    /** The answer to a request that was given out as an effect. */
    | {
        readonly kind: 'answer';
        readonly ref: string;
        readonly message: Extract<ServerMessage, { t: 'svid' | 'left' | 'error' }>;
      }
    | { readonly kind: 'closed' }
  );

/** What is counted; each is the metric of a bound or of a fault. */
export type ServerCounter =
  | 'statDropped'
  | 'requestRefused'
  | 'leaseRefused'
  | 'malformed'
  | 'staleAck'
  | 'resync'
  | 'ackTimeout'
  | 'heartbeatLost'
  | 'held';

/** What a session wants done, in order. After `close` it is over. */
export type ServerEffect =
  | { readonly kind: 'send'; readonly message: ServerMessage }
  | { readonly kind: 'ping' }
  | { readonly kind: 'close'; readonly code: CloseCode; readonly reason: string }
  /** A connection that is dead: no close frame would arrive. */
  | { readonly kind: 'terminate'; readonly reason: string }
  /** Ask the owner, and answer by `admit` or `refuse`. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'acked'; readonly ack: Ack }
  | { readonly kind: 'lease'; readonly lease: LeaseCommand }
  /** Ask the owner, and answer by `answer`. */
  | { readonly kind: 'csr'; readonly ref: string; readonly id: string; readonly pem: string }
  | { readonly kind: 'leave'; readonly ref: string; readonly instance: string }
  | { readonly kind: 'stat'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'fence'; readonly epoch: number }
  | { readonly kind: 'count'; readonly counter: ServerCounter };

/** A state, and what is to be done. */
export type ServerStep = readonly [ServerState, readonly ServerEffect[]];

/** When the next `tick` is due; `Infinity` if none is. */
export function serverWakeMs(state: ServerState): number {
  if (state.phase === 'closed') return Number.POSITIVE_INFINITY;
  let wakeMs = Math.min(state.untilMs, state.options.expiresAtMs);
  wakeMs = Math.min(wakeMs, heartbeatWakeMs(state.heartbeat));
  if (state.inflight !== null) {
    return Math.min(wakeMs, state.inflight.sentAtMs + state.options.ackTimeoutMs);
  }
  return Math.min(wakeMs, configWakeMs(state));
}

/** When a config message or a mark that waits for its time is due. */
function configWakeMs(state: ServerState): number {
  const { head, settled, told } = state;
  if (state.phase !== 'live' || head === null) return Number.POSITIVE_INFINITY;
  if (settled === null || settled.epoch !== head.epoch || settled.digest !== head.digest) {
    return state.notBeforeMs;
  }
  const isTold = told !== null && told.epoch === head.epoch && told.version >= head.version;
  return isTold || state.verdict === 'rejected' ? Number.POSITIVE_INFINITY : state.markNotBeforeMs;
}
