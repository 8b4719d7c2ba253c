/** A connection whose bytes are nobody's business: the socket, and what lies beneath it. */
import type { Socket } from 'node:net';
import { atLoopEnd, type TurnTask } from '../turn.ts';

/** Spoken between sidecars on a connection that carries bytes of no known protocol (ALPN). */
export const TCP_PROTOCOL = 'leno-tcp/1';

export class TcpSocket implements TurnTask {
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
  }

  /** Closes with RST, so that nobody can take it for a clean end; what is queued is lost. */
  reset(): void {
    if (this.socket === this.#carrier) this.turnEnded();
    // Taken away beneath TLS while TLS is amid a read or a handshake, which a tick runs within, the
    // carrier would bring the process down: then it is done when nothing of it is on the stack.
    else atLoopEnd(this);
  }

  /** For `atLoopEnd`. */
  turnEnded(): void {
    const carrier = this.#carrier;
    // A unix socket knows no reset, nor TLS whose carrier is not known.
    const cannot = carrier.remotePort === undefined || 'encrypted' in carrier;
    if (!cannot && !carrier.destroyed) carrier.resetAndDestroy();
    this.socket.destroy();
  }
}
