/** The four forms of a request target (RFC 9112 §3.2), brought to one: path and query, and authority. */
import { hostOf, parseAuthority, withoutDefaultPort } from './authority.ts';
import { consistsOf, TARGET } from './octets.ts';
import { malformed, type Refusal } from './refusal.ts';

export interface Target {
  readonly target: string;
  readonly authority: string;
}

const badTarget = malformed(
  'the target has a character that is not allowed, or a form that is not',
);
const badHost = malformed('Host is no host with an optional port');
const hostDisagrees = malformed('Host does not agree with the authority of the target');
const noHost = malformed('there is no Host');

/**
 * Takes the target apart. `host` is the value of Host, undefined if there is none. Who names an
 * authority in the target must name the same one in Host: whoever looks at either sees the same.
 */
export function parseTarget(method: string, raw: string, host?: string): Target | Refusal {
  if (!consistsOf(raw, TARGET)) return badTarget;
  const authority = host === undefined ? undefined : parseAuthority(host);
  if (host !== undefined && authority === undefined) return badHost;
  if (method === 'CONNECT') return connectTarget(raw, authority);
  if (raw.charCodeAt(0) === 0x2f) {
    return authority === undefined ? noHost : { target: raw, authority };
  }
  if (raw === '*') {
    if (method !== 'OPTIONS') return badTarget;
    return authority === undefined ? noHost : { target: raw, authority };
  }
  return absoluteTarget(method, raw, authority);
}

function connectTarget(raw: string, host: string | undefined): Target | Refusal {
  const authority = parseAuthority(raw);
  if (authority === undefined || hostOf(authority) === authority) return badTarget;
  // Clients differ in whether Host repeats the port; the host itself has to agree.
  if (host !== undefined && hostOf(host) !== hostOf(authority)) return hostDisagrees;
  return { target: '', authority };
}

function absoluteTarget(method: string, raw: string, host: string | undefined): Target | Refusal {
  const match = /^(https?):\/\/([^/?]+)(.*)$/i.exec(raw);
  if (match === null) return badTarget;
  const [, scheme = '', named = '', rest = ''] = match;
  const authority = parseAuthority(named);
  if (authority === undefined) return badTarget;
  const lowerScheme = scheme.toLowerCase();
  const agreed = withoutDefaultPort(authority, lowerScheme);
  if (host !== undefined && withoutDefaultPort(host, lowerScheme) !== agreed) return hostDisagrees;
  if (rest === '') return { target: method === 'OPTIONS' ? '*' : '/', authority };
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}
