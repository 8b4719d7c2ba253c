/** Replies that the mesh makes itself: one place, fed by the table of reasons. */
import { FieldList } from '@leno/http';
import type { Call } from './call.ts';
import { type Reason, reasons } from './reasons.ts';

const encoder = new TextEncoder();

/**
 * Answers with the status of `reason`, `Proxy-Status` (RFC 9209), `x-leno-reason`, and an RFC 9457
 * body. Gives the status. `processed=?0` says that the application saw nothing of the request: the
 * calling sidecar may then send it elsewhere.
 */
export function sendReason(call: Call, reason: Reason, detail: string): number {
  const { status, proxyError, title } = reasons[reason];
  const processed = call.unprocessed ? 'processed=?0' : 'processed=?1';
  // Addresses and names of the inside are for the application beside us and for members of the mesh.
  // Which policy denies is for the operator alone.
  const isOfMesh = call.exchange.peer.transport === 'mtls' && reason !== 'denied';
  const isTrusted = call.direction === 'outbound' || isOfMesh;
  const body = encoder.encode(
    JSON.stringify({
      type: `urn:leno:reason:${reason}`,
      title,
      status,
      reason,
      ...(isTrusted ? { detail } : {}),
      requestId: call.requestId,
    }),
  );
  const fields = FieldList.of([
    ['content-type', 'application/problem+json'],
    ['x-leno-reason', reason],
    ['x-request-id', call.requestId],
    ['proxy-status', `${call.engine.name}; error=${proxyError}; details="${reason}"; ${processed}`],
  ]);
  // For applications: a sidecar that calls has other endpoints to try, and backs off by itself.
  if (status === 503 && call.direction === 'outbound') fields.set('retry-after', '1');
  // Who asks for nobody of the mesh was not sent here: what else it has to say is for others, too.
  const close = reason === 'no-route' && call.service === undefined;
  call.exchange.discardBody();
  call.exchange.respond({ status, fields, contentLength: body.length, close }, body);
  call.responseBytes += body.length;
  return status;
}
