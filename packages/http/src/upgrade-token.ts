/** What a connection may leave HTTP for, by `Upgrade` or by `:protocol`; in lower case. */

/** RFC 9110 §7.8: a name, and perhaps a version. */
const PROTOCOL = /^[a-z0-9!#$%&'*+.^`|~_-]+(\/[a-z0-9._-]+)?$/;

/** Whether it is one token of the form of RFC 9110 §7.8. */
export function isUpgradeToken(protocol: string): boolean {
  return PROTOCOL.test(protocol);
}

/** HTTP of any version and TLS would carry requests past every check (RFC 9113 §3.1). */
export function hidesRequests(protocol: string): boolean {
  return protocol === 'h2c' || protocol === 'h2' || /^(tls|http)\b/.test(protocol);
}
