/**
 * Turns connections away at the door. Where plain HTTP is spoken they get a 503 first, and are read
 * on for a moment: a socket that is closed with octets unread takes its reply back (RFC 9112 §9.6).
 * How many are read on is bounded; the others are closed without a word.
 */
import type { Socket } from 'node:net';
import type { Timers } from '@leno/std';
import { statusLine } from './head-writer.ts';

const LINGERING_COUNT_MAX = 64;
const LINGER_MS = 500;

export class ConnectionRefuser {
  readonly #timers: Timers;
  readonly #lingering = new Set<Socket>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Whether the next one can be answered. */
  get hasRoom(): boolean {
    return this.#lingering.size < LINGERING_COUNT_MAX;
  }

  /** Answers 503 with `lines` among its fields, each of which ends in CR LF. */
  answer(socket: Socket, lines: string): void {
    this.#lingering.add(socket);
    const late = this.#timers.after(LINGER_MS, () => socket.destroy());
    socket.on('error', () => undefined);
    socket.once('close', () => {
      late.cancel();
      this.#lingering.delete(socket);
    });
    socket.resume();
    socket.end(
      `${statusLine(503)}${lines}retry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
  }

  close(): void {
    for (const socket of this.#lingering) socket.destroy();
  }
}
