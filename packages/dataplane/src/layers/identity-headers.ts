/**
 * What a request says about who sent it comes from the socket alone. Whatever claims to be identity
 * is stripped; inbound, the verified caller is written in its place (Envoy's
 * `x-forwarded-client-cert`, and `x-leno-peer`).
 */
import type { ResponseHead } from '@leno/http';
import type { Call } from '../call.ts';
import type { Layer } from '../stack.ts';

const CLAIMS = ['x-forwarded-client-cert', 'x-leno-peer', 'x-leno-attempt'];

export const identityHeaders: Layer = {
  name: 'identity-headers',
  enter(call) {
    const { fields } = call.head;
    for (const name of CLAIMS) {
      if (name === 'x-leno-attempt' && cameFromMesh(call)) continue;
      fields.remove(name);
    }
    if (!cameFromMesh(call)) fields.remove('x-leno-deadline');
    if (call.direction === 'inbound') describeCaller(call);
    return 'next';
  },

  /** An application cannot speak for the mesh: its own `x-leno-*` and claims of a proxy are dropped. */
  reply(call, head: ResponseHead) {
    if (call.direction !== 'inbound') return;
    head.fields.remove('x-leno-reason');
    head.fields.remove('proxy-status');
  },
};

function cameFromMesh(call: Call): boolean {
  return call.direction === 'inbound' && call.exchange.peer.transport === 'mtls';
}

function describeCaller(call: Call): void {
  const { peer } = call.exchange;
  const { fields } = call.head;
  if (peer.identity !== undefined) {
    const own = call.engine.identity;
    fields.set('x-forwarded-client-cert', `By=${own};URI=${peer.identity}`);
    fields.set('x-leno-peer', peer.identity);
    const before = fields.get('x-forwarded-for');
    // A sidecar of the mesh has said whom it speaks for; anybody else only speaks for itself.
    fields.set(
      'x-forwarded-for',
      before === undefined ? peer.address : `${before}, ${peer.address}`,
    );
  } else {
    fields.set('x-forwarded-for', peer.address);
  }
  fields.set('x-forwarded-proto', peer.transport === 'plain' ? 'http' : 'https');
  fields.set('x-forwarded-host', call.head.authority);
}
