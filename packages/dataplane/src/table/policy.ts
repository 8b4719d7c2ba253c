/**
 * The effective policy of a call: the rule's own words, then those of the service's TrafficPolicy,
 * then the defaults of the mesh. Computed when a table is compiled, never per request.
 */
import {
  defaults,
  type RetryBody,
  type RouteRule,
  type TimeoutBody,
  type TrafficPolicyBody,
} from '@leno/config';
import type { RetryPolicy } from '@leno/resilience';

export interface CallPolicy {
  /** Over all tries; 0 is none. */
  readonly requestTimeoutMs: number;
  /** 0 is none; undefined is half of the request timeout while a further try is allowed. */
  readonly perTryTimeoutMs: number | undefined;
  /** For streams and tunnels: how long nothing may move; 0 is for ever. */
  readonly idleTimeoutMs: number;
  /** For connections of which only bytes are known: how long nothing may move; 0 is for ever. */
  readonly tcpIdleTimeoutMs: number;
  readonly retry: RetryPolicy;
  /** Bytes of a request's body that are kept for another try. */
  readonly replayBytesMax: number;
}

/** Bytes of a body that may be sent a second time; linkerd2-proxy's replay limit. */
const REPLAY_BYTES_MAX = 65_536;

/** Works out what holds for one rule of one service; both may be absent. */
export function callPolicy(
  rule: Pick<RouteRule, 'timeouts' | 'retry'> | undefined,
  policy: TrafficPolicyBody | undefined,
): CallPolicy {
  const timeouts: TimeoutBody = { ...policy?.timeouts, ...said(rule?.timeouts) };
  const retry: RetryBody = { ...policy?.retry, ...said(rule?.retry) };
  const written = policy?.retry !== undefined || rule?.retry !== undefined;
  return {
    requestTimeoutMs: timeouts.requestMs ?? defaults.timeouts.requestMs,
    perTryTimeoutMs: timeouts.perTryMs,
    idleTimeoutMs: timeouts.idleMs ?? defaults.timeouts.idleMs,
    tcpIdleTimeoutMs: timeouts.tcpIdleMs ?? defaults.timeouts.tcpIdleMs,
    retry: {
      retryCountMax: retry.retries ?? defaults.retry.retries,
      statuses: retry.statuses ?? [],
      grpcStatuses: retry.grpcStatuses ?? [],
      baseMs: retry.backoffBaseMs ?? defaults.retry.backoffBaseMs,
      maxMs: retry.backoffMaxMs ?? defaults.retry.backoffMaxMs,
      onPerTryTimeout: retry.onPerTryTimeout ?? written,
      anyMethod: retry.anyMethod ?? false,
    },
    replayBytesMax: REPLAY_BYTES_MAX,
  };
}

/** What an inbound proxy does towards its own application: one try, no time limit of its own. */
export const inboundPolicy: CallPolicy = {
  requestTimeoutMs: 0,
  perTryTimeoutMs: 0,
  idleTimeoutMs: defaults.timeouts.idleMs,
  tcpIdleTimeoutMs: defaults.timeouts.tcpIdleMs,
  retry: { ...callPolicy(undefined, undefined).retry, retryCountMax: 0 },
  replayBytesMax: 0,
};

/** Without the fields that say nothing, so that they hide nothing below them. */
function said<T extends object>(body: T | undefined): Partial<T> {
  const entries = Object.entries(body ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}
