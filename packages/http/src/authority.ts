/** Authorities: `host`, `host:port`, `[v6]`, `[v6]:port`. Nothing else, and no user part. */
import { consistsOf, HOST_NAME, IPV6, numberOf } from './octets.ts';

const PORT_MAX = 65_535;
const PORT_DIGITS_MAX = 5;
const HOST_LENGTH_MAX = 255;

/** The authority in lower case, or undefined if `text` is none. */
export function parseAuthority(text: string): string | undefined {
  const hostLength = hostLengthOf(text);
  if (hostLength <= 0 || hostLength > HOST_LENGTH_MAX) return undefined;
  if (hostLength < text.length && !isPort(text.slice(hostLength))) return undefined;
  return text.toLowerCase();
}

/** The host without its port; brackets stay. `authority` comes from `parseAuthority`. */
export function hostOf(authority: string): string {
  const length = hostLengthOf(authority);
  return length === authority.length ? authority : authority.slice(0, length);
}

/** `authority` without a port that is the scheme's own. */
export function withoutDefaultPort(authority: string, scheme: string): string {
  const suffix = scheme === 'https' ? ':443' : ':80';
  return authority.endsWith(suffix) ? authority.slice(0, -suffix.length) : authority;
}

/** -1 if the host has an octet that is not allowed. */
function hostLengthOf(text: string): number {
  if (text.charCodeAt(0) === 0x5b) {
    const close = text.indexOf(']');
    const inner = text.slice(1, close);
    return close > 1 && inner.includes(':') && consistsOf(inner, IPV6) ? close + 1 : -1;
  }
  let at = 0;
  while (at < text.length && HOST_NAME[text.charCodeAt(at)] === 1) at += 1;
  return at === text.length || text.charCodeAt(at) === 0x3a ? at : -1;
}

/** `:` and a number that a port can be. */
function isPort(text: string): boolean {
  const port = numberOf(text.slice(1), PORT_DIGITS_MAX);
  return text.charCodeAt(0) === 0x3a && port >= 0 && port <= PORT_MAX;
}
