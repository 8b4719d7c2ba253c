/** Fields by which somebody could say to be somebody else, or speak for the mesh. */

/** Nobody may claim these; a header that frameworks take an address from is a claim as well. */
export const CLAIMS = [
  'x-forwarded-client-cert',
  'x-leno-peer',
  'x-leno-reason',
  'forwarded',
  'x-real-ip',
  'x-forwarded-port',
  'x-forwarded-prefix',
] as const;

/** Milliseconds that are left to the caller when its request leaves. */
export const DEADLINE_FIELD = 'x-leno-deadline';

/**
 * Only a sidecar or gateway of the mesh, known by its certificate, may say these. The last two are said
 * by gateways alone, of how the request came to the mesh.
 */
export const WORDS_OF_THE_MESH = [
  DEADLINE_FIELD,
  'x-leno-attempt',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
] as const;

/** No trailer of a request says any of it: what reads trailers as headers must not be fooled. */
export const TRAILER_CLAIMS = [
  ...CLAIMS,
  ...WORDS_OF_THE_MESH,
  ...['x-request-id', 'traceparent', 'tracestate'],
] as const;

/** What only the mesh says in a reply, in its head or in its trailers. */
export const REPLY_CLAIMS = [
  'proxy-status',
  'x-leno-reason',
  'x-leno-peer',
  'x-leno-attempt',
  DEADLINE_FIELD,
] as const;
