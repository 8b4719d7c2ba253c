/**
 * Sets how long the call may take: the policy's time, or what is left of the caller's own deadline if
 * that is less. Streams and tunnels leave it behind once they are known to be such; an upgrade that
 * nobody answers does not. What is left travels on with each try in `x-leno-deadline`, so that
 * nobody works for a caller who has stopped waiting.
 */
import { deadlineAfter } from '@leno/std';
import type { Call } from '../call.ts';
import type { Layer } from '../layer.ts';

/** Milliseconds that are left to the caller when its request leaves. */
export const DEADLINE_FIELD = 'x-leno-deadline';

export const deadline: Layer = {
  name: 'deadline',
  enter(call) {
    const nowMs = call.engine.clock.nowMs();
    const own = deadlineAfter(nowMs, call.policy.requestTimeoutMs);
    call.deadlineMs = Math.min(own, inherited(call, nowMs));
    if (nowMs < call.deadlineMs) return 'next';
    call.fail('request-timeout', 'its caller has no time left');
    return 'stop';
  },
};

/** The caller's own deadline, believed only from a peer with an identity of the mesh. */
function inherited(call: Call, nowMs: number): number {
  if (call.direction === 'outbound' || call.exchange.peer.transport !== 'mtls') {
    return Number.POSITIVE_INFINITY;
  }
  const text = call.head.fields.get(DEADLINE_FIELD);
  if (text === undefined || !/^\d{1,9}$/.test(text)) return Number.POSITIVE_INFINITY;
  return nowMs + Number(text);
}
