/**
 * The outermost layer: gives each request its names (request id, trace) and counts, logs and records
 * how it ended. It observes and cannot fail a request.
 */
import { formatTraceparent, isRequestId, parseTraceparent, rootContext } from '@leno/telemetry';
import type { Call } from '../call.ts';
import type { Layer } from '../layer.ts';

export const observe: Layer = {
  name: 'observe',
  enter(call) {
    nameRequest(call);
    nameTrace(call);
    if (call.direction === 'inbound') {
      call.transport = call.exchange.peer.transport;
      call.peerName = serviceOfIdentity(call.exchange.peer.identity);
    }
    call.engine.activeCount += 1;
    return 'next';
  },
  leave(call) {
    call.engine.activeCount -= 1;
    if (call.body !== undefined) call.requestBytes = call.body.byteCount;
    const durationMs = call.engine.clock.nowMs() - call.startedAtMs;
    // Opening a tunnel is not a request of its own: those inside it come by one by one.
    if (call.head.method === 'CONNECT' && call.reason === undefined) return;
    call.engine.metrics.ended(call, durationMs);
    call.engine.journal.ended(call, durationMs);
  },
};

function nameRequest(call: Call): void {
  const { fields } = call.head;
  const given = fields.get('x-request-id');
  if (given !== undefined && isRequestId(given)) {
    call.requestId = given;
    return;
  }
  call.requestId = call.engine.ids.requestId();
  fields.set('x-request-id', call.requestId);
}

/** A valid context passes byte for byte; without one a trace begins here. */
function nameTrace(call: Call): void {
  const { fields } = call.head;
  const given = fields.get('traceparent');
  const context = given === undefined ? undefined : parseTraceparent(given);
  if (context !== undefined) {
    call.traceId = context.traceId;
    return;
  }
  const ratio = call.table.mesh?.traceRatio ?? 0;
  const root = rootContext(call.engine.ids, call.engine.rng() < ratio);
  fields.remove('tracestate');
  fields.set('traceparent', formatTraceparent(root));
  call.traceId = root.traceId;
}

/** So that an identity is taken apart once, not with each request; emptied when it is full. */
const services = new Map<string, string>();
const SERVICE_COUNT_MAX = 1_024;

/** `spiffe://TD/ns/NAMESPACE/sa/SERVICE` to `NAMESPACE/SERVICE`; `unknown` for anything else. */
export function serviceOfIdentity(identity: string | undefined): string {
  if (identity === undefined) return 'unknown';
  const known = services.get(identity);
  if (known !== undefined) return known;
  const found = /\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(identity);
  const service = found === null ? 'unknown' : `${found[1]}/${found[2]}`;
  if (services.size >= SERVICE_COUNT_MAX) services.clear();
  services.set(identity, service);
  return service;
}
