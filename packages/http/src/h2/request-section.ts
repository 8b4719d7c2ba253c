/** Request heads as HTTP/2 says them (RFC 9113 §8.3.1, §8.5, RFC 8441 §4), checked as strictly as those of HTTP/1.1. */
import { hostOf, parseAuthority, withoutDefaultPort } from '../authority.ts';
import type { RequestHead } from '../exchange.ts';
import type { FieldList } from '../fields.ts';
import type { MessageLimits } from '../limits.ts';
import { isMethod } from '../methods.ts';
import { isNestedHttp } from '../nested-http.ts';
import { consistsOf, TOKEN } from '../octets.ts';
import {
  bodyTooLarge,
  headTooLarge,
  isRefusal,
  malformed,
  type Refusal,
  tooManyFields,
} from '../refusal.ts';
import { parseTarget } from '../target.ts';
import { isUpgradeToken } from '../upgrade-token.ts';
import { KEY_FIELD } from '../web-socket.ts';
import { FieldSection } from './field-section.ts';
import type { FieldBlock } from './hpack/field-block.ts';

const noMethod = malformed(':method is missing, or no token');
const unknownMethod = malformed('the method is not known', 501);
const noTrace = malformed('TRACE is not served', 405);
const badPseudo = malformed('the pseudo-header fields are not those of a request');
const badScheme = malformed(':scheme is neither http nor https');
const badPath = malformed(':path is neither a path nor *');
const badAuthority = malformed(':authority is missing, or no host with an optional port');
const hostDisagrees = malformed('Host does not agree with :authority');
const badExpect = malformed('Expect is not 100-continue', 417);
const shortBody = malformed('Content-Length says more than there is');
const noProtocols = malformed(':protocol comes where it was not allowed');
const badProtocol = malformed(':protocol is no token, or without CONNECT');
const nestedHttp = malformed(':protocol would carry requests past every check', 501);
const connectLength = malformed('CONNECT has no Content-Length');

/** A request head, and what HTTP/1.1 has no word for. */
export interface H2RequestHead extends RequestHead {
  readonly scheme: 'http' | 'https';
  /**
   * The protocol of an extended CONNECT, in lower case. Its head looks like the request with which
   * HTTP/1.1 asks for an upgrade: GET, `upgrade` set, no body; what the stream carries is the tunnel.
   */
  readonly protocol: string | undefined;
}

export interface RequestRules {
  readonly limits: MessageLimits;
  /** Whether our settings allow extended CONNECT. */
  readonly takesProtocols: boolean;
  /** Whether the stream ends with this head. */
  readonly ends: boolean;
}

/** The request that `block` makes, or why it is refused; 400 stands for malformed. */
export function readRequest(block: FieldBlock, rules: RequestRules): H2RequestHead | Refusal {
  const { limits, ends } = rules;
  if (block.isTooLarge) return isLong(block, limits) ? headTooLarge : tooManyFields;
  const section = new FieldSection('request');
  const fields = section.read(block);
  if (isRefusal(fields)) return fields;
  const { method, contentLength, expect } = section;
  if (section.fieldCount > limits.fieldCountMax) return tooManyFields;
  if (method === undefined || method === '' || !consistsOf(method, TOKEN)) return noMethod;
  if (section.status !== undefined) return badPseudo;
  if (section.protocol !== undefined && !rules.takesProtocols) return noProtocols;
  const agreed = readAuthority(section);
  if (isRefusal(agreed)) return agreed;
  if (method === 'CONNECT' || section.protocol !== undefined) {
    return readConnect(section, fields, agreed.authority);
  }
  const target = readTarget(section, method, agreed.authority);
  if (isRefusal(target)) return target;
  if (ends && (contentLength ?? 0) > 0) return shortBody;
  if (method === 'TRACE') return noTrace;
  if (!isMethod(method)) return unknownMethod;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') return badExpect;
  if ((contentLength ?? 0) > limits.bodyByteCountMax) return bodyTooLarge;
  const length = ends ? 0 : contentLength;
  return {
    method,
    target: target.target,
    authority: target.authority,
    minorVersion: 1,
    fields,
    contentLength: length,
    upgrade: undefined,
    expectsContinue: expect !== undefined && length !== 0,
    scheme: section.scheme === 'https' ? 'https' : 'http',
    protocol: undefined,
  };
}

function isLong(block: FieldBlock, limits: MessageLimits): boolean {
  return block.listByteCount > limits.headByteCountMax;
}

/** Host may repeat `:authority`, or stand in its place; it may not say anything else. */
function readAuthority(section: FieldSection): { readonly authority: string } | Refusal {
  const { host, scheme = 'http' } = section;
  const authority = parseAuthority(section.authority ?? host ?? '');
  if (authority === undefined) return badAuthority;
  if (host === undefined || section.authority === undefined) return { authority };
  const other = parseAuthority(host);
  const agree =
    other !== undefined &&
    withoutDefaultPort(other, scheme) === withoutDefaultPort(authority, scheme);
  return agree ? { authority } : hostDisagrees;
}

function readTarget(section: FieldSection, method: string, authority: string) {
  const { scheme, path } = section;
  if (scheme !== 'http' && scheme !== 'https') return badScheme;
  if (path === undefined || (path !== '*' && path.charCodeAt(0) !== 0x2f)) return badPath;
  return parseTarget(method, path, authority);
}

function readConnect(
  section: FieldSection,
  fields: FieldList,
  authority: string,
): H2RequestHead | Refusal {
  const { protocol, scheme, path } = section;
  const common = {
    authority,
    minorVersion: 1,
    fields,
    contentLength: 0,
    expectsContinue: false,
  } as const;
  if (section.contentLength !== undefined) return connectLength;
  if (protocol === undefined) {
    // RFC 9113 §8.5: method and authority, nothing else.
    if (scheme !== undefined || path !== undefined) return badPseudo;
    if (section.authority === undefined || hostOf(authority) === authority) return badAuthority;
    return {
      ...common,
      method: 'CONNECT',
      target: '',
      upgrade: undefined,
      scheme: 'http',
      protocol,
    };
  }
  const lower = protocol.toLowerCase();
  if (section.method !== 'CONNECT' || !isUpgradeToken(lower)) return badProtocol;
  if (section.authority === undefined) return badAuthority;
  if (isNestedHttp(lower)) return nestedHttp;
  const target = readTarget(section, 'GET', authority);
  if (isRefusal(target)) return target;
  // RFC 8441 §5: there is none; whoever goes on in HTTP/1.1 makes one.
  fields.remove(KEY_FIELD);
  return {
    ...common,
    method: 'GET',
    target: target.target,
    upgrade: lower,
    scheme: scheme === 'https' ? 'https' : 'http',
    protocol: lower,
  };
}
