/** What is counted of TCP connections; peers come from certificates and configuration, and are bounded. */
import type { Handle, MeshMetrics } from '@leno/telemetry';
import type { Direction } from '../call.ts';
import type { TcpEnd } from '../tcp/tcp-connection.ts';

/** Where the connections of one direction and peer are counted. */
export interface TcpCells {
  readonly direction: Direction;
  readonly peer: string;
  readonly open: Handle;
  readonly opened: Handle;
  readonly received: Handle;
  readonly sent: Handle;
  readonly closed: Map<TcpEnd, Handle>;
}

/** Peers that are told apart, of both directions; what comes beyond is counted under `overflow`. */
export const TCP_PEER_COUNT_MAX = 2_048;

export class TcpMetrics {
  readonly #families: MeshMetrics;
  readonly #cells = {
    inbound: new Map<string, TcpCells>(),
    outbound: new Map<string, TcpCells>(),
  };

  constructor(families: MeshMetrics) {
    this.#families = families;
  }

  opened(direction: Direction, peer: string): TcpCells {
    const { tcpConnections, tcpConnectionsOpened } = this.#families;
    const cells = this.#cellsOf(direction, peer);
    tcpConnections.add(cells.open, 1);
    tcpConnectionsOpened.add(cells.opened);
    return cells;
  }

  moved(cells: TcpCells | undefined, from: 'client' | 'upstream', byteCount: number): void {
    if (cells === undefined) return;
    const { tcpReceivedBytes, tcpSentBytes } = this.#families;
    if (from === 'client') tcpReceivedBytes.add(cells.received, byteCount);
    else tcpSentBytes.add(cells.sent, byteCount);
  }

  closed(cells: TcpCells | undefined, end: TcpEnd): void {
    if (cells === undefined) return;
    const { tcpConnections, tcpConnectionsClosed } = this.#families;
    tcpConnections.add(cells.open, -1);
    let handle = cells.closed.get(end);
    if (handle === undefined) {
      handle = tcpConnectionsClosed.handle(cells.direction, cells.peer, end);
      cells.closed.set(end, handle);
    }
    tcpConnectionsClosed.add(handle);
  }

  #cellsOf(direction: Direction, peer: string): TcpCells {
    const known = this.#cells[direction].get(peer);
    if (known !== undefined) return known;
    const count = this.#cells.inbound.size + this.#cells.outbound.size;
    if (count >= TCP_PEER_COUNT_MAX && peer !== 'overflow')
      return this.#cellsOf(direction, 'overflow');
    const { tcpConnections, tcpConnectionsOpened, tcpReceivedBytes, tcpSentBytes } = this.#families;
    const cells: TcpCells = {
      direction,
      peer,
      open: tcpConnections.handle(direction, peer),
      opened: tcpConnectionsOpened.handle(direction, peer),
      received: tcpReceivedBytes.handle(direction, peer),
      sent: tcpSentBytes.handle(direction, peer),
      closed: new Map(),
    };
    this.#cells[direction].set(peer, cells);
    return cells;
  }
}
