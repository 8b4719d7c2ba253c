/**
 * Sets how long the call may take: the policy's time, or what is left of the caller's own deadline if
 * that is less. Streams and tunnels leave it behind once they are known to be such; an upgrade that
 * nobody answers does not. What is left travels on with each try in `x-leno-deadline`, so that
 * nobody works for a caller who has stopped waiting.
 *
 * A call of gRPC brings its own deadline, `grpc-timeout`, which bounds all of it, streams too, and
 * travels on reduced. The policy's time begins when the request is whole and ends with the head of the
 * reply: which calls are streams is known to their applications only, but a call whose request goes
 * on, or whose reply has begun, may be one.
 */

import { deadlineAfter } from '@leno/std';
import type { Call } from '../call.ts';
import { DEADLINE_FIELD } from '../claims.ts';
import { GRPC_TIMEOUT_FIELD, parseGrpcTimeout } from '../grpc/grpc-timeout.ts';
import type { Layer } from '../layer.ts';

export const deadline: Layer = {
  name: 'deadline',
  enter(call) {
    const nowMs = call.engine.clock.nowMs();
    const own = deadlineAfter(nowMs, call.policy.requestTimeoutMs);
    if (call.isGrpc) {
      const given = givenByCaller(call);
      if (given === undefined) {
        call.fail('bad-request', `${GRPC_TIMEOUT_FIELD} is not eight digits at most and a unit`);
        return 'stop';
      }
      call.firmDeadlineMs = Math.min(given, inherited(call, nowMs));
      call.isStreaming = call.head.contentLength !== 0;
      call.deadlineMs = call.isStreaming ? call.firmDeadlineMs : Math.min(own, call.firmDeadlineMs);
    } else {
      call.deadlineMs = Math.min(own, inherited(call, nowMs));
    }
    if (nowMs < call.deadlineMs) return 'next';
    call.fail('request-timeout', 'its caller has no time left');
    return 'stop';
  },
};

/** What `grpc-timeout` says, counted from the first byte of the call; undefined if it is malformed. */
function givenByCaller(call: Call): number | undefined {
  const text = call.head.fields.get(GRPC_TIMEOUT_FIELD);
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const timeoutMs = parseGrpcTimeout(text);
  return timeoutMs === undefined ? undefined : call.startedAtMs + timeoutMs;
}

/** The caller's own deadline, believed only from a peer with an identity of the mesh. */
function inherited(call: Call, nowMs: number): number {
  if (call.direction === 'outbound' || call.exchange.peer.transport !== 'mtls') {
    return Number.POSITIVE_INFINITY;
  }
  const text = call.head.fields.get(DEADLINE_FIELD);
  if (text === undefined || !/^\d{1,9}$/.test(text)) return Number.POSITIVE_INFINITY;
  return nowMs + Number(text);
}
