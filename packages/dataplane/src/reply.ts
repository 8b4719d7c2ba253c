/** Replies that the mesh makes itself: one place, fed by the table of reasons. */
import { FieldList } from '@leno/http';
import type { Call } from './call.ts';
import { encodeGrpcMessage, GRPC_CONTENT_TYPE, GRPC_STATUS_FIELD } from './grpc/grpc-status.ts';
import { grpcStatusOfReason, type Reason, reasons } from './reasons.ts';

const encoder = new TextEncoder();

/**
 * Answers with the status of `reason`, `Proxy-Status` (RFC 9209), `x-leno-reason`, and an RFC 9457
 * body; a call of gRPC with the code of `reason` and no body. Gives the status. `processed=?0` says
 * that the application saw nothing of the request: the calling sidecar may then send it elsewhere.
 */
export function sendReason(call: Call, reason: Reason, detail: string): number {
  // Who asks for nobody of the mesh was not sent here: what else it has to say is for others, too.
  const close = reason === 'no-route' && call.service === undefined && call.gatewayPort === 0;
  call.exchange.discardBody();
  return call.isGrpc
    ? sendGrpc(call, reason, detail, close)
    : sendHttp(call, reason, detail, close);
}

/** Trailers that end a reply of gRPC of which a part has gone out already. */
export function grpcTrailers(call: Call, reason: Reason, detail: string): FieldList {
  return FieldList.of([
    ...grpcStatusFields(call, reason, detail),
    ['x-leno-reason', reason],
    ['proxy-status', proxyStatus(call, reason)],
  ]);
}

function sendHttp(call: Call, reason: Reason, detail: string, close: boolean): number {
  const { status, title } = reasons[reason];
  const body = encoder.encode(
    JSON.stringify({
      type: `urn:leno:reason:${reason}`,
      title,
      status,
      reason,
      ...(isTrusted(call, reason) ? { detail } : {}),
      requestId: call.requestId,
    }),
  );
  const fields = FieldList.of([
    ['content-type', 'application/problem+json'],
    ['x-leno-reason', reason],
    ['x-request-id', call.requestId],
    ['proxy-status', proxyStatus(call, reason)],
  ]);
  // For applications: a sidecar that calls has other endpoints to try, and backs off by itself.
  if (status === 503 && call.direction === 'outbound') fields.set('retry-after', '1');
  call.exchange.respond({ status, fields, contentLength: body.length, close }, body);
  call.responseBytes += body.length;
  return status;
}

/** PROTOCOL-HTTP2.md of gRPC: `Trailers-Only`, a head that is the end as well. */
function sendGrpc(call: Call, reason: Reason, detail: string, close: boolean): number {
  const fields = FieldList.of([
    ['content-type', GRPC_CONTENT_TYPE],
    ...grpcStatusFields(call, reason, detail),
    ['x-leno-reason', reason],
    ['x-request-id', call.requestId],
    ['proxy-status', proxyStatus(call, reason)],
  ]);
  call.exchange.respond({ status: 200, fields, contentLength: 0, close }).end();
  return 200;
}

function grpcStatusFields(call: Call, reason: Reason, detail: string): [string, string][] {
  const { title } = reasons[reason];
  const message = isTrusted(call, reason) ? `${title}: ${detail}` : title;
  return [
    [GRPC_STATUS_FIELD, String(grpcStatusOfReason(reason))],
    ['grpc-message', encodeGrpcMessage(message)],
  ];
}

function proxyStatus(call: Call, reason: Reason): string {
  const processed = call.unprocessed ? 'processed=?0' : 'processed=?1';
  const { proxyError } = reasons[reason];
  return `${call.engine.name}; error=${proxyError}; details="${reason}"; ${processed}`;
}

/**
 * Addresses and names of the inside are for the application beside us and for members of the mesh;
 * which policy denies is for the operator alone.
 */
function isTrusted(call: Call, reason: Reason): boolean {
  if (call.gatewayPort !== 0) return false;
  if (call.direction === 'outbound') return true;
  return call.exchange.peer.transport === 'mtls' && reason !== 'denied';
}
