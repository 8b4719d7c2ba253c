/**
 * One socket, plain or TLS: the only place that reads from one and writes to one.
 *
 * All sockets read into one buffer: a chunk belongs to its receiver during the call only. What is
 * written within a turn is put together: a head and a small body leave in one system call.
 */
import type { Duplex } from 'node:stream';
import { codeOf, messageOf } from '@leno/std';
import { returnBlock, takeBlock } from './block-pool.ts';
import { QUEUED_BYTE_COUNT_MAX } from './limits.ts';
import { resetSocket } from './reset-socket.ts';
import { shareReads, stopSharing } from './shared-read.ts';
import { atTurnEnd, type TurnTask } from './turn.ts';

/** Who uses a wire. All calls come from the event loop, never from within a call to the wire. */
export interface WireOwner {
  received(chunk: Buffer): void;
  /** The other side has sent everything it will send. */
  ended(): void;
  /** What was queued has gone to the system. */
  drained(): void;
  /** The last call; `cause` is '' if nothing went wrong, `code` is that of the error. */
  closed(cause: string, code: string): void;
}

/** What a wire asks of its socket, be that one of TCP, of TLS, or a stream inside another connection. */
export interface WireSocket extends Duplex {
  /** Octets that were written, those included that wait. */
  readonly bytesWritten: number;
  /** Undefined for what cannot be reset. */
  readonly remotePort?: number | undefined;
  resetAndDestroy(): unknown;
}

/** Up to this length a piece is cheaper as text that is put together than as a write of its own. */
const SMALL_BYTE_COUNT_MAX = 8 * 1024;
const TEXT_LENGTH_MAX = 16 * 1024;

export class Wire implements TurnTask {
  /** May be replaced by the owner itself, who has found out who should have it. */
  owner: WireOwner;
  readonly #socket: WireSocket;
  #text = ''; // One character per octet, not yet given to the socket.
  #scheduled = false;
  #ending = false;
  #paused = false;
  #cause = '';
  #code = '';

  constructor(socket: WireSocket, owner: WireOwner) {
    this.#socket = socket;
    this.owner = owner;
    if (!shareReads(socket, this.#received)) socket.on('data', this.#received);
    socket.on('end', this.#ended);
    socket.on('drain', this.#drained);
    socket.on('error', this.#failed);
    socket.on('close', this.#closed);
  }

  /** Octets that wait to be taken by the system. */
  get queuedByteCount(): number {
    return this.#socket.writableLength + this.#text.length;
  }

  /** Whether more than the bound is queued: then wait for `drained`. */
  get isFull(): boolean {
    return this.queuedByteCount > QUEUED_BYTE_COUNT_MAX;
  }

  /** A number that changes whenever the other side has taken something. */
  get progress(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** Queues text whose characters are octets. */
  writeText(text: string): void {
    this.#text += text;
    if (this.#text.length > TEXT_LENGTH_MAX) this.flush();
    else this.#schedule();
  }

  /** Queues octets; they are copied before this returns. */
  writeBytes(chunk: Uint8Array): void {
    if (chunk.length <= SMALL_BYTE_COUNT_MAX) {
      this.writeText(asBuffer(chunk).toString('latin1'));
      return;
    }
    const text = this.#text;
    const byteCount = text.length + chunk.length;
    const block = takeBlock(byteCount);
    block.write(text, 'latin1');
    block.set(chunk, text.length);
    this.#text = '';
    const isGone = this.writeOwned(block.subarray(0, byteCount), () => returnBlock(block));
    if (isGone) returnBlock(block);
  }

  /**
   * Gives octets to the socket that nobody will touch; what was put together goes first. True if the
   * system has taken them already; else `onGone` is called with them when it has.
   */
  writeOwned(octets: Buffer, onGone: (octets: Buffer) => void): boolean {
    this.flush();
    const socket = this.#socket;
    if (socket.destroyed) return true;
    const wasEmpty = socket.writableLength === 0;
    let isGone = false;
    socket.write(octets, (error) => {
      if (!isGone && (error === null || error === undefined)) onGone(octets);
    });
    // Counted down within \`write\` by what the system takes at once, however late it says so.
    isGone = wasEmpty && socket.writableLength === 0;
    return isGone;
  }

  /** Gives to the socket what was put together. */
  flush(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    if (!this.#socket.destroyed) this.#socket.write(text, 'latin1');
  }

  turnEnded(): void {
    this.#scheduled = false;
    this.flush();
  }

  /** Nothing more will be written; reading goes on. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.flush();
    this.#socket.end();
  }

  /** Closes at once; what is queued is lost. */
  destroy(): void {
    this.#text = '';
    this.#socket.destroy();
  }

  /** As `destroy`, but such that the other side cannot take it for a clean end. */
  reset(): void {
    this.#text = '';
    resetSocket(this.#socket);
  }

  /** Reads no more, but for what is on its way already. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Gives the socket away, paused and with all that was written on its way; the wire is of no use then. */
  release(): WireSocket {
    this.flush();
    const socket = this.#socket;
    socket.pause();
    stopSharing(socket);
    socket.off('data', this.#received);
    socket.off('end', this.#ended);
    socket.off('drain', this.#drained);
    socket.off('error', this.#failed);
    socket.off('close', this.#closed);
    return socket;
  }

  readonly #received = (chunk: Buffer): void => this.owner.received(chunk);
  readonly #ended = (): void => this.owner.ended();
  readonly #drained = (): void => this.owner.drained();
  readonly #closed = (): void => this.owner.closed(this.#cause, this.#code);
  readonly #failed = (error: unknown): void => {
    this.#cause = messageOf(error);
    this.#code = codeOf(error);
  };

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    atTurnEnd(this);
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
