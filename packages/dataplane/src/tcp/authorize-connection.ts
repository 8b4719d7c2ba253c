import type { Peer } from '@leno/http';
import type { Reason } from '../reasons.ts';
import type { RuntimeTable } from '../table/runtime-table.ts';

/** Why a connection is not let in. */
export interface ConnectionDenial {
  readonly reason: Reason & ('denied' | 'unauthenticated');
  readonly detail: string;
}

/**
 * Inbound: who may open a connection, by who it is alone, for what is said on it is not known. The
 * same as for requests; undefined lets it in. A rule that needs more than an identity cannot be
 * fulfilled here: one that allows then does not, one that denies does.
 */
export function authorizeConnection(table: RuntimeTable, peer: Peer): ConnectionDenial | undefined {
  if (table.mesh === undefined) {
    const detail = 'this proxy has never had a config: nothing is let in';
    return { reason: 'denied', detail };
  }
  if (peer.transport === 'mtls' || table.permissive) return undefined;
  return { reason: 'unauthenticated', detail: 'this service takes mTLS only' };
}
