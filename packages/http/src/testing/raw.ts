/** Raw ends of a connection, for tests: what is sent and seen is text, one character per octet. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A socket whose input is collected, and can be waited for. */
export class RawPeer {
  readonly socket: Socket;
  text = '';
  hasEnded = false;
  isClosed = false;
  #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.#look();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.#look();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#look();
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves once `part` was read, `times` times; the timeout of the test is the deadline. */
  async read(part: string, times = 1): Promise<string> {
    await this.#until(() => this.text.split(part).length > times);
    return this.text;
  }

  /** Resolves once the other side has sent its last octet. */
  async end(): Promise<string> {
    await this.#until(() => this.hasEnded || this.isClosed);
    return this.text;
  }

  async close(): Promise<string> {
    await this.#until(() => this.isClosed);
    return this.text;
  }

  /** Forgets what was read. */
  clear(): void {
    this.text = '';
  }

  #until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ isMet, resolve });
    });
  }

  #look(): void {
    const met = this.#waiting.filter((wait) => wait.isMet());
    this.#waiting = this.#waiting.filter((wait) => !met.includes(wait));
    for (const wait of met) wait.resolve();
  }
}

/** A client that may close its half and read on. */
export function rawClient(port: number): RawPeer {
  return new RawPeer(connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
}

/** An upstream that does what `serve` does with each connection. */
export class RawUpstream {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;
  readonly #came: (() => void)[] = [];

  constructor(serve: (peer: RawPeer, index: number) => void = () => undefined) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const peer = new RawPeer(socket);
      this.peers.push(peer);
      serve(peer, this.peers.length - 1);
      for (const resolve of this.#came.splice(0)) resolve();
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** The connection of that index, once it is there. */
  async peer(index: number): Promise<RawPeer> {
    for (;;) {
      const peer = this.peers[index];
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => this.#came.push(resolve));
    }
  }

  close(): void {
    this.#server.close();
    for (const peer of this.peers) peer.socket.destroy();
  }
}
