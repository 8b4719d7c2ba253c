/**
 * Header fields that no route may edit, in lower case: connection and framing (RFC 9110 §7.6.1,
 * RFC 9112 §6), the host, and the identity that the mesh itself vouches for.
 */
export const fixedHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-client-cert',
  'x-leno-attempt',
  'x-leno-deadline',
  'x-leno-peer',
]);
