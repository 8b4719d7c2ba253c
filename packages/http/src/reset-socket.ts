import type { WireSocket } from './wire.ts';

/**
 * Closes a socket such that the other side cannot take it for a clean end; what is queued is lost.
 *
 * Over TLS the missing close_notify says it, and a unix socket knows no reset. While a shutdown is under
 * way the system refuses to reset, and Node then never closes the socket: by then all is said, the end too.
 */
export function resetSocket(socket: WireSocket): void {
  const isShutting =
    socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  const cannot = 'encrypted' in socket || socket.remotePort === undefined;
  if (isShutting || cannot) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
