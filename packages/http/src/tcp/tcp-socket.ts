/** A connection whose bytes are nobody's business: the socket, and what lies beneath it. */
import type { Duplex } from 'node:stream';
import { resetSocket } from '../reset-socket.ts';
import { atLoopEnd, type TurnTask } from '../turn.ts';
import type { WireSocket } from '../wire.ts';

/** Spoken between sidecars on a connection that carries bytes of no known protocol (ALPN). */
export const TCP_PROTOCOL = 'leno-tcp/1';

export class TcpSocket implements TurnTask {
  /** Plain, TLS or a stream of HTTP/2: what is read and written. */
  readonly socket: Duplex;
  /** Read already, but nobody's yet; whoever reads the socket takes it first. */
  readonly ahead: Buffer | undefined;
  readonly #carrier: WireSocket;

  /**
   * `carrier` is the TCP socket beneath `socket`, where that is TLS: only it can be reset. The socket is
   * paused, or was never read.
   */
  constructor(socket: WireSocket, carrier: WireSocket = socket, ahead?: Buffer) {
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

  /** Closes once what is queued has gone out; nothing more is read. */
  destroySoon(): void {
    const { socket } = this;
    socket.end();
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
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
    resetSocket(this.#carrier);
    this.socket.destroy();
  }
}
