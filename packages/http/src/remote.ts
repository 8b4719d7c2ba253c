import type { Socket } from 'node:net';

/**
 * One key per open connection, the same for a socket and for the TLS upon it. Both ends are in it: a
 * client may use its port once for each address of a listener. Empty where it is gone already.
 */
export function keyOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remotePort === undefined) return '';
  return `${remoteAddress}|${remotePort}|${localAddress}|${localPort}`;
}

/** Where a socket is connected to. */
export function remoteOf(socket: Socket): { address: string; port: number } {
  const address = socket.remoteAddress ?? '';
  // An IPv4 client of a listener on `::` is still an IPv4 client.
  return {
    address: address.startsWith('::ffff:') ? address.slice(7) : address,
    port: socket.remotePort ?? 0,
  };
}

/** The name that a client of TLS has asked for (SNI), in lower case. */
export function serverNameOf(socket: Socket): string | undefined {
  if (!('servername' in socket) || typeof socket.servername !== 'string') return undefined;
  return socket.servername.toLowerCase();
}
