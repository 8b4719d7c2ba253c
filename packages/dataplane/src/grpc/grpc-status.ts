/**
 * What gRPC says in fields: whether a request is a call, how it ended, and what that says about who
 * answered (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
import type { FieldList, RequestHead } from '@leno/http';
import { type AttemptReply, grpcStatusName } from '@leno/telemetry';

/** No code was seen yet, or it is no call. */
export const GRPC_NONE = -1;
export const GRPC_OK = 0;
export const GRPC_CANCELLED = 1;
const UNKNOWN = 2;
export const GRPC_DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
export const GRPC_RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
export const GRPC_INTERNAL = 13;
export const GRPC_UNAVAILABLE = 14;
const DATA_LOSS = 15;
const UNAUTHENTICATED = 16;
/** Where a code was due and none of the seventeen came; its caller takes it for `UNKNOWN`. */
export const GRPC_NO_CODE = 17;

export const GRPC_STATUS_FIELD = 'grpc-status';
export const GRPC_CONTENT_TYPE = 'application/grpc';

/** Whether it is a call: a POST of `application/grpc`, whatever its messages are encoded in. */
export function isGrpcCall(head: RequestHead): boolean {
  if (head.method !== 'POST') return false;
  const type = head.fields.get('content-type');
  if (type === undefined || type.length < GRPC_CONTENT_TYPE.length) return false;
  if (type.slice(0, GRPC_CONTENT_TYPE.length).toLowerCase() !== GRPC_CONTENT_TYPE) return false;
  // `application/grpc-web` is another protocol, whose trailers are in the body.
  const next = type.charAt(GRPC_CONTENT_TYPE.length);
  return next === '' || next === '+' || next === ';' || next === ' ';
}

/** The code in a head or in trailers; `GRPC_NONE` without the field. */
export function readGrpcStatus(fields: FieldList | undefined): number {
  const text = fields?.get(GRPC_STATUS_FIELD);
  if (text === undefined) return GRPC_NONE;
  return /^(\d|1[0-6])$/.test(text) ? Number(text) : GRPC_NO_CODE;
}

/**
 * What a caller makes of a reply that is not one of gRPC, by its status
 * (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 400:
      return GRPC_INTERNAL;
    case 401:
      return UNAUTHENTICATED;
    case 403:
      return PERMISSION_DENIED;
    case 404:
      return UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
      return GRPC_UNAVAILABLE;
    default:
      return UNKNOWN;
  }
}

/**
 * What a code says about the endpoint that gave it, as its HTTP counterpart would: failures are those
 * that Envoy's outlier detection takes for a 5xx and linkerd2-proxy for a failure as well. Of where
 * they differ, `UNIMPLEMENTED` (Envoy only) and `PERMISSION_DENIED` (Linkerd only) are the caller's
 * affair, like 404 and 403. `RESOURCE_EXHAUSTED` counts as 429 does (Linkerd's unified breaker).
 */
export function outcomeOfGrpc(grpcStatus: number): 'success' | 'failure' | 'rateOnly' {
  switch (grpcStatus) {
    case UNKNOWN:
    case GRPC_DEADLINE_EXCEEDED:
    case GRPC_INTERNAL:
    case GRPC_UNAVAILABLE:
    case DATA_LOSS:
    case GRPC_NO_CODE:
      return 'failure';
    case GRPC_RESOURCE_EXHAUSTED:
      return 'rateOnly';
    default:
      return 'success';
  }
}

/** A reply as a try notes it. */
export function replyNote(status: number, grpcStatus: number): AttemptReply {
  if (grpcStatus === GRPC_NONE) return { kind: 'reply', status };
  return { kind: 'reply', status, grpcStatus: grpcStatusName(grpcStatus) };
}

const encoder = new TextEncoder();

/** Octets of a message before they are encoded: a head has other fields, and clients have limits. */
const MESSAGE_BYTES_MAX = 1_024;

/**
 * The value of `grpc-message`: UTF-8, with `%` and what is not printable ASCII as `%XX`; what is too
 * long is cut.
 */
export function encodeGrpcMessage(text: string): string {
  let encoded = '';
  for (const octet of encoder.encode(text).subarray(0, MESSAGE_BYTES_MAX)) {
    const isPlain = octet >= 0x20 && octet <= 0x7e && octet !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(octet)
      : `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
