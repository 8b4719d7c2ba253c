import type { Socket } from 'node:net';

/** One key per connection. */
export function keyOf(remote: { address: string; port: number }): string {
  return `${remote.address}|${remote.port}`;
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
