/**
 * What a sidecar answers to a connection of `leno-tcp/1` before any byte of the application: one
 * octet, 0 if the application has taken the connection, else the place of the reason in this list. So
 * the calling side knows that nothing was processed and may go elsewhere, and why it was refused.
 */

/** Why the other sidecar has not opened the connection. The names are reason codes. */
export type TcpRefusal = (typeof refusals)[number];

/** Its order is the protocol: names are only ever added at the end. */
const refusals = [
  'denied',
  'unauthenticated',
  'connect-failed',
  'connect-timeout',
  'overflow',
  'overloaded',
  'draining',
  'filter-failed',
] as const;

const OPEN = 0;

/** The octet for `refusal`; undefined says that the connection is open. */
export function tcpAnswer(refusal: TcpRefusal | undefined): Buffer {
  const octet = refusal === undefined ? OPEN : refusals.indexOf(refusal) + 1;
  return Buffer.of(octet);
}

/** What the octet says; `filter-failed` for one that is not known here. */
export function readTcpAnswer(octet: number): 'open' | TcpRefusal {
  return octet === OPEN ? 'open' : (refusals[octet - 1] ?? 'filter-failed');
}
