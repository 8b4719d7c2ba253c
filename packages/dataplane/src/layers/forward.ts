/** Inbound: the way leads to the one application that this sidecar stands beside. */
import type { Layer } from '../layer.ts';
import { inboundPolicy } from '../table/policy.ts';

export const forward: Layer = {
  name: 'forward',
  enter(call) {
    if (call.head.method === 'CONNECT') {
      call.fail('bad-request', 'CONNECT is for the outbound listener');
      return 'stop';
    }
    call.cluster = call.engine.application;
    call.policy = inboundPolicy;
    return 'next';
  },
};
