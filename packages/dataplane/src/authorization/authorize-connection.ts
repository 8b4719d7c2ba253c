/**
 * Inbound TCP, of which nothing is known but who calls and which port was meant: rules about HTTP let
 * nobody in, and deny as if they matched.
 */
import type { Peer } from '@leno/http';
import type { RuntimeTable } from '../table/runtime-table.ts';
import { type AccessVerdict, atTheDoor, refusal, verdictOf } from './verdict.ts';

const noTcp = 'no port of this service is of appProtocol tcp';

/**
 * Whether `peer` may open a connection to `port` of the service behind this proxy, which must have a port
 * for TCP. Whoever is refused
 * gets no byte. What is let in joins `Engine.openAccess`, to be asked again when access changes; its decision is
 * counted in `CallMetrics.access` where the table's access `hasPolicies`.
 */
export function authorizeConnection(
  table: RuntimeTable,
  peer: Peer,
  port: number | undefined,
): AccessVerdict {
  const refused = atTheDoor(table.access, table.permissive, peer);
  if (refused !== undefined) return refused;
  // To an application of HTTP, bytes would carry requests past all that is decided of them one by one, and
  // with names of the caller that nobody has checked.
  if (!table.access.takesTcp) return refusal('denied', noTcp);
  const { identity, address } = peer;
  return verdictOf(table.access.decider.decide({ identity, address, port, http: undefined }));
}
