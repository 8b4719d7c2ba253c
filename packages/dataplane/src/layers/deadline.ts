/**
 * Sets how long the call may take: the policy's time, or what is left of the caller's own deadline if
 * that is less. Upgrades have none. What is left travels on in `x-leno-deadline`, so that nobody
 * works for a caller who has stopped waiting.
 */
import { deadlineAfter } from '@leno/std';
import type { Call } from '../call.ts';
import type { Layer } from '../stack.ts';

const FIELD = 'x-leno-deadline';

export const deadline: Layer = {
  name: 'deadline',
  enter(call) {
    if (call.head.upgrade !== undefined) return 'next';
    const nowMs = call.engine.clock.nowMs();
    const own = deadlineAfter(nowMs, call.policy.requestTimeoutMs);
    call.deadlineMs = Math.min(own, inherited(call, nowMs));
    if (call.direction === 'outbound' && call.deadlineMs !== Number.POSITIVE_INFINITY) {
      call.head.fields.set(FIELD, String(Math.round(call.deadlineMs - nowMs)));
    }
    call.engine.wheel.schedule(call, call.deadlineMs);
    return 'next';
  },
};

/** The caller's own deadline, believed only from a peer with an identity of the mesh. */
function inherited(call: Call, nowMs: number): number {
  if (call.direction === 'outbound' || call.exchange.peer.transport !== 'mtls') {
    return Number.POSITIVE_INFINITY;
  }
  const text = call.head.fields.get(FIELD);
  if (text === undefined || !/^\d{1,9}$/.test(text)) return Number.POSITIVE_INFINITY;
  return nowMs + Number(text);
}
