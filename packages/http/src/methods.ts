/**
 * The methods that are served: those registered with IANA and a few in wide use. Others are refused
 * as soon as they are seen, so that what is left over from a body is not waited for as a request.
 */
import { SP, TOKEN } from './octets.ts';

/** The most frequent first. TRACE is known, and refused by name. */
const METHODS =
  `GET POST PUT HEAD DELETE PATCH OPTIONS CONNECT TRACE QUERY PROPFIND PROPPATCH MKCOL COPY MOVE LOCK
  UNLOCK SEARCH REPORT PURGE ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT LABEL LINK MERGE MKACTIVITY
  MKCALENDAR MKREDIRECTREF MKWORKSPACE NOTIFY ORDERPATCH REBIND SUBSCRIBE M-SEARCH UNBIND UNCHECKOUT
  UNLINK UNSUBSCRIBE UPDATE UPDATEREDIRECTREF VERSION-CONTROL`.split(/\s+/);

const KNOWN = new Set(METHODS);

/** Whether `name` is one of them, TRACE included. */
export function isMethod(name: string): boolean {
  return KNOWN.has(name);
}

/**
 * The method that stands at `start`, if a blank follows it; '' if more octets are needed; undefined
 * if no method begins like that.
 */
export function methodAt(buffer: Uint8Array, start: number, end: number): string | undefined {
  for (const method of METHODS) {
    const length = Math.min(method.length, end - start);
    let index = 0;
    while (index < length && buffer[start + index] === method.charCodeAt(index)) index += 1;
    if (index < length) continue;
    if (start + index === end) return '';
    if (buffer[start + index] === SP) return method;
    if (TOKEN[buffer[start + index] as number] !== 1) return undefined;
  }
  return undefined;
}
