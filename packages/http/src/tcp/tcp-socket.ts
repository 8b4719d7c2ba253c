/** A connection whose bytes are nobody's business: the socket, and what lies beneath it. */
import type { Socket } from 'node:net';

/** Spoken between sidecars on a connection that carries bytes of no known protocol (ALPN). */
export const TCP_PROTOCOL = 'leno-tcp/1';

export class TcpSocket {
  /** Plain or TLS: what is read and written. */
  readonly socket: Socket;
  /** Read already, but nobody's yet; whoever reads the socket takes it first. */
  readonly ahead: Buffer | undefined;
  readonly #carrier: Socket;

  /**
   * `carrier` is the TCP socket beneath `socket`, where that is TLS: only it can be reset. The socket is
   * paused, or was never read.
   */
  constructor(socket: Socket, carrier: Socket = socket, ahead?: Buffer) {
    // Whoever takes it over hears of an error by its end; until then nobody needs to.
    for (const each of new Set([socket, carrier])) each.on('error', () => undefined);
    this.socket = socket;
    this.ahead = ahead;
    this.#carrier = carrier;
  }

  /** Closes at once; what is queued is lost, and the other side may take it for a clean end. */
  destroy(): void {
    this.socket.destroy();
    this.#carrier.destroy();
  }

  /** Closes at once with RST, so that nobody can take it for a clean end. */
  reset(): void {
    const carrier = this.#carrier;
    // A unix socket knows no reset: whatever was not read makes one of it, and that is all there is.
    const cannot = carrier.remotePort === undefined || 'encrypted' in carrier;
    if (cannot || carrier.destroyed) this.destroy();
    else carrier.resetAndDestroy();
    if (this.socket !== carrier) this.socket.destroy();
  }
}
