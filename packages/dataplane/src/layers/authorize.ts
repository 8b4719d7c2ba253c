/**
 * Inbound: who may call. With no config ever seen, nobody; else as the policies of the service say, and
 * without any, whoever shows an identity of this trust domain; plaintext only where the mesh says that
 * this service takes it. What was let in is asked anew when access changes.
 */
import { authorizeRequest } from '../authorization/authorize-request.ts';
import type { Layer } from '../layer.ts';

export const authorize: Layer = {
  name: 'authorize',
  enter(call) {
    const verdict = authorizeRequest(call.table, call);
    const { engine, table } = call;
    call.access = verdict.decision;
    if (table.access.hasPolicies && verdict.decision !== undefined) {
      engine.metrics.access.count(verdict.decision, call.peerName);
    }
    if (verdict.kind === 'allowed') {
      engine.openAccess.add(call);
      return 'next';
    }
    call.fail(verdict.reason, verdict.detail);
    return 'stop';
  },
  leave(call) {
    call.engine.openAccess.remove(call);
  },
};
