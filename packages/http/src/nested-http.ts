/**
 * Whether what a connection is to change to would carry requests of its own: HTTP in any version, and
 * TLS, within which it would be hidden. None of them would pass by what is decided of requests, so that
 * nobody is let into it, whichever version asked (RFC 9113 §3.1, RFC 8441 §4). `protocol` is in lower case.
 */
export function isNestedHttp(protocol: string): boolean {
  return /^(h2c?|h3|tls|http)(?![a-z])/.test(protocol);
}
