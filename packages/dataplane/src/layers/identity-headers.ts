/**
 * What a request says about who sent it comes from the socket alone. Whatever claims to be identity
 * is stripped, from applications and from callers alike; inbound, the verified caller is written in
 * its place (Envoy's `x-forwarded-client-cert`, and `x-leno-peer`).
 */
import type { FieldList, ResponseHead } from '@leno/http';
import { spokenFor } from '../authorization/spoken-for.ts';
import type { Call } from '../call.ts';
import { CLAIMS, REPLY_CLAIMS, WORDS_OF_THE_MESH } from '../claims.ts';
import type { Layer } from '../layer.ts';

const WORDS_OF_TRACES: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** Removes what one of the mesh says to another: all `x-leno-…`, and the trace, which ends here. */
export function dropWordsOfMesh(fields: FieldList): void {
  for (const [name] of [...fields]) {
    const lower = name.toLowerCase();
    if (lower.startsWith('x-leno-') || WORDS_OF_TRACES.has(lower)) fields.remove(name);
  }
}

export const identityHeaders: Layer = {
  name: 'identity-headers',
  enter(call) {
    hearForwarder(call);
    stripClaims(call.head.fields, cameFromMesh(call));
    if (call.direction === 'inbound') describeCaller(call);
    return 'next';
  },

  /** An application cannot speak for the mesh. */
  reply(call, head: ResponseHead) {
    if (call.direction !== 'inbound') return;
    for (const name of REPLY_CLAIMS) head.fields.remove(name);
  },
};

/** Takes out what nobody may claim, and what only the mesh says if it was not the mesh that said it. */
export function stripClaims(fields: FieldList, isFromMesh: boolean): void {
  for (const name of CLAIMS) fields.remove(name);
  if (!isFromMesh) for (const name of WORDS_OF_THE_MESH) fields.remove(name);
}

function cameFromMesh(call: Call): boolean {
  return call.direction === 'inbound' && call.exchange.peer.transport === 'mtls';
}

/** A gateway that the mesh trusts with it may say for whom it calls; of nobody else it counts. */
function hearForwarder(call: Call): void {
  const { identity } = call.exchange.peer;
  const { forwarders } = call.table.access;
  if (call.direction !== 'inbound' || identity === undefined || !forwarders.has(identity)) return;
  const said = call.head.fields.get('x-forwarded-client-cert');
  if (said !== undefined) call.speaksFor = spokenFor(said);
}

function describeCaller(call: Call): void {
  const { peer } = call.exchange;
  const { fields } = call.head;
  if (peer.identity !== undefined) {
    if (call.speaksFor !== undefined && call.speaksFor !== '') {
      fields.append('x-forwarded-client-cert', `By=${peer.identity};URI=${call.speaksFor}`);
    }
    fields.append('x-forwarded-client-cert', `By=${call.engine.identity};URI=${peer.identity}`);
    fields.append('x-leno-peer', peer.identity);
  }
  // What is still there was said by a sidecar or gateway of the mesh, which has seen it itself.
  const before = fields.get('x-forwarded-for');
  fields.set('x-forwarded-for', before === undefined ? peer.address : `${before}, ${peer.address}`);
  // Said already by a gateway: its client is whom applications build addresses for.
  if (!fields.has('x-forwarded-proto')) {
    fields.append('x-forwarded-proto', peer.transport === 'plain' ? 'http' : 'https');
  }
  if (!fields.has('x-forwarded-host')) fields.append('x-forwarded-host', call.head.authority);
}
