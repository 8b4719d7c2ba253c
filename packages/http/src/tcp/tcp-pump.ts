/**
 * Two connections joined: what comes from one goes to the other, as it is and no faster than that
 * takes it.
 *
 *   both open --one side ends--> half open --the other ends--> done
 *       '-----------'--either breaks off--> the other is reset
 *
 * A chunk is handed on without a copy; while the system of the other side has not taken it, nothing
 * more is read, so that a direction holds one chunk and one write buffer (64 KiB each) at most.
 */
import type { Duplex } from 'node:stream';
import type { TcpSocket } from './tcp-socket.ts';

/** How it ended: both sides had said all, or one broke off. */
export type TcpPumpEnd = 'done' | 'client-reset' | 'upstream-reset';

/** Who wants to know. Called from the event loop. */
export interface TcpPumpEvents {
  /** Bytes that were read of one side, and are on their way to the other. */
  moved(from: 'client' | 'upstream', byteCount: number): void;
  /** The last call: both sockets are closed. Not called after `breakOff`. */
  ended(end: TcpPumpEnd): void;
}

export class TcpPump {
  readonly #client: TcpSocket;
  readonly #upstream: TcpSocket;
  readonly #events: TcpPumpEvents;
  #openCount = 2;
  #end: TcpPumpEnd = 'done';
  #isBroken = false;
  #isOver = false;

  /** Begins at once. From now on the sockets are the pump's alone. */
  constructor(client: TcpSocket, upstream: TcpSocket, events: TcpPumpEvents) {
    this.#client = client;
    this.#upstream = upstream;
    this.#events = events;
    // Before anything flows: a socket that has broken already says so in the next turn.
    this.#watch(client, 'client');
    this.#watch(upstream, 'upstream');
    this.#join(client, upstream, 'client');
    this.#join(upstream, client, 'upstream');
  }

  /** Resets both sides, without a word to `ended`. */
  breakOff(): void {
    this.#isOver = true;
    this.#isBroken = true;
    this.#client.reset();
    this.#upstream.reset();
  }

  #join(source: TcpSocket, target: TcpSocket, from: 'client' | 'upstream'): void {
    const input = source.socket;
    const output = target.socket;
    const pass = (chunk: Buffer): void => {
      if (this.#isBroken) return;
      this.#events.moved(from, chunk.length);
      if (!output.write(chunk)) input.pause();
    };
    output.on('drain', () => input.resume());
    input.once('end', () => {
      if (!this.#isBroken) output.end();
    });
    if (source.ahead !== undefined && source.ahead.length > 0) pass(source.ahead);
    input.on('data', pass);
    if (input.readableEnded) output.end();
    else if (!output.writableNeedDrain) input.resume();
  }

  #watch(side: TcpSocket, name: 'client' | 'upstream'): void {
    const { socket } = side;
    socket.on('error', () => this.#broke(name));
    const closed = (): void => {
      // Closed before it had said and heard everything: nobody is there any more.
      if (!isFinished(socket)) this.#broke(name);
      this.#openCount -= 1;
      if (this.#openCount > 0 || this.#isOver) return;
      this.#isOver = true;
      this.#events.ended(this.#end);
    };
    if (socket.closed) process.nextTick(closed);
    else socket.once('close', closed);
  }

  #broke(name: 'client' | 'upstream'): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#end = name === 'client' ? 'client-reset' : 'upstream-reset';
    (name === 'client' ? this.#upstream : this.#client).reset();
    (name === 'client' ? this.#client : this.#upstream).destroy();
  }
}

function isFinished(socket: Duplex): boolean {
  return socket.readableEnded && socket.writableFinished;
}
