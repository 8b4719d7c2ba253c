import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { systemClock } from '@leno/std';
import type { TestIdentity } from '../../certificates.ts';
import type { ConnectionEnd } from '../http/reply-reader.ts';

/** The address that clients of the bed come from. */
export const CLIENT_ADDRESS = '127.0.0.2';

/** A client that sends octets and notes what comes back. */
export class RawClient {
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  #end: ConnectionEnd = 'open';
  lastOctetMs = systemClock.nowMs();

  private constructor(socket: Socket, onChunk: ((chunk: Buffer) => void) | undefined) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.lastOctetMs = systemClock.nowMs();
      if (onChunk === undefined) this.#chunks.push(chunk);
      else onChunk(chunk);
    });
    socket.on('end', () => {
      if (this.#end === 'open') this.#end = 'ended';
    });
    socket.on('error', () => {
      if (this.#end === 'open') this.#end = 'reset';
    });
    socket.on('close', () => {
      if (this.#end === 'open') this.#end = 'reset';
    });
  }

  /** With `onChunk`, what comes goes there and is not kept. */
  static open(port: number, onChunk?: (chunk: Buffer) => void): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port,
        localAddress: CLIENT_ADDRESS,
        allowHalfOpen: true,
        noDelay: true,
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket, onChunk));
      });
    });
  }

  /** As `open`, with a certificate of the mesh. Rejects if the handshake fails, or `protocol` is not spoken. */
  static openTls(port: number, identity: TestIdentity, protocol?: string): Promise<RawClient> {
    const { key, cert, ca } = identity;
    return new Promise((resolve, reject) => {
      const socket = connectTls({
        ...{ key, cert, ca, host: '127.0.0.1', port, localAddress: CLIENT_ADDRESS },
        checkServerIdentity: () => undefined,
        ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket, undefined));
      });
    });
  }

  get end(): ConnectionEnd {
    return this.#end;
  }

  get octets(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Resolves when there is room for more, or nobody there to take it. */
  async write(octets: Buffer): Promise<void> {
    const socket = this.#socket;
    if (this.#end !== 'open' || socket.write(octets)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        for (const name of ['drain', 'close', 'end']) socket.off(name, go);
        resolve();
      };
      for (const name of ['drain', 'close', 'end']) socket.on(name, go);
    });
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
