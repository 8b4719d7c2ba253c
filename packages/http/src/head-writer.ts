/**
 * Heads as they go out, made anew from parsed parts: one length of our own, Host first, and what is
 * for this hop only (RFC 9112 §6, RFC 9110 §7.6.1).
 */
import type { OutgoingRequest, ResponseHead } from './exchange.ts';

const PHRASES: Record<number, string> = {
  100: 'Continue',
  101: 'Switching Protocols',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

const statusLines = new Map<number, string>();

/** `HTTP/1.1 200 OK` CRLF. */
export function statusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${PHRASES[status] ?? ''}\r\n`;
    statusLines.set(status, line);
  }
  return line;
}

/** How the body of a reply is said to be framed: the field, with CRLF, or ''. */
export function framingLine(
  head: ResponseHead,
  framing: 'length' | 'chunked' | 'close' | 'swallow',
) {
  switch (framing) {
    case 'length':
      return `content-length: ${head.contentLength ?? 0}\r\n`;
    case 'chunked':
      return 'transfer-encoding: chunked\r\n';
    case 'swallow':
      // For HEAD and 304 the length is that of the reply which is not sent.
      return head.status === 204 || head.contentLength === undefined
        ? ''
        : `content-length: ${head.contentLength}\r\n`;
    default:
      return '';
  }
}

/** Methods that mean something by a body: for these a length of 0 is said. */
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);

/** The head of a request, whole. */
export function requestHead(outgoing: OutgoingRequest): string {
  const { method, authority, contentLength } = outgoing;
  const target = method === 'CONNECT' ? authority : outgoing.target;
  let framing = '';
  if (method !== 'CONNECT') {
    if (contentLength === undefined) framing = 'transfer-encoding: chunked\r\n';
    else if (contentLength > 0 || BODY_METHODS.has(method)) {
      framing = `content-length: ${contentLength}\r\n`;
    }
  }
  const upgrade =
    outgoing.upgrade === undefined ? '' : `connection: upgrade\r\nupgrade: ${outgoing.upgrade}\r\n`;
  return `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n${outgoing.fields.toWire()}${framing}${upgrade}\r\n`;
}
