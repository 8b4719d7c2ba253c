/**
 * Inbound: who may call. With no config ever seen, nobody; else whoever shows an identity of this trust
 * domain, and plaintext only where the mesh says that this service takes it. Policies come with
 * `@leno/authz`.
 */
import type { Layer } from '../layer.ts';

export const authorize: Layer = {
  name: 'authorize',
  enter(call) {
    const { peer } = call.exchange;
    if (call.table.mesh === undefined) {
      call.fail('denied', 'this proxy has never had a config: nothing is let in');
      return 'stop';
    }
    if (peer.transport === 'mtls' || call.table.permissive) return 'next';
    call.fail('unauthenticated', 'this service takes mTLS only');
    return 'stop';
  },
};
