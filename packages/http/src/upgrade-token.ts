/** RFC 9110 §7.8: a name, and perhaps a version; in lower case. */
const PROTOCOL = /^[a-z0-9!#$%&'*+.^`|~_-]+(\/[a-z0-9._-]+)?$/;

/** Whether a connection may leave HTTP for it, by `Upgrade` or by `:protocol`: one token of that form. */
export function isUpgradeToken(protocol: string): boolean {
  return PROTOCOL.test(protocol);
}
