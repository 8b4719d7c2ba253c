/**
 * What comes from outside the mesh is believed in nothing that it says of itself: claims of identity and
 * words of the mesh are stripped, and what the socket shows is written in their place. The sidecar
 * behind passes it on to its application, since a member of the mesh has said it.
 */
import type { Layer } from '../layer.ts';
import { stripClaims } from './identity-headers.ts';

export const edgeHeaders: Layer = {
  name: 'edge-headers',
  enter(call) {
    const { peer } = call.exchange;
    const { fields, authority } = call.head;
    stripClaims(fields, false);
    fields.append('x-forwarded-for', peer.address);
    fields.append('x-forwarded-proto', peer.transport === 'plain' ? 'http' : 'https');
    fields.append('x-forwarded-host', authority);
    return 'next';
  },
};
