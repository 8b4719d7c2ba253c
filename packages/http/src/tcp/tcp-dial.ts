/**
 * Opens a connection for bytes: plain TCP or a unix socket to an application, or mutual TLS 1.3 with
 * ALPN `leno-tcp/1` to a sidecar, whose answer is awaited too. One TLS connection for each connection, not
 * a stream of a shared one: bulk then costs one copy and one cipher, nobody waits behind another's
 * bytes, and half-close and reset are those of TCP itself.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf, type TimerHandle, type Timers } from '@leno/std';
import { addressOf, contextOf } from '../dialer.ts';
import type { TryFailure } from '../exchange.ts';
import type { TlsClientOptions } from '../tls-options.ts';
import { readTcpAnswer, type TcpRefusal } from './tcp-answer.ts';
import { TCP_PROTOCOL, TcpSocket } from './tcp-socket.ts';

/** Where to, and how long at most. */
export interface TcpDialOptions {
  /** Host name, address, or `unix:/path` (then the port is ignored). */
  readonly address: string;
  readonly port: number;
  /** With it, a sidecar is dialled. */
  readonly tls: TlsClientOptions | undefined;
  /** For connection, handshake and answer together. */
  readonly connectTimeoutMs: number;
  readonly timers: Timers;
}

/** No connection; nothing that was to be sent was read by anybody. */
export interface TcpDialFailure {
  readonly reason: TryFailure['reason'] | TcpRefusal;
  /** Whether the other sidecar said so, rather than that it could not be reached. */
  readonly isAnswer: boolean;
  readonly detail: string;
}

/** What comes of it. Exactly one is called, later, unless the attempt is cancelled. */
export interface TcpDialEvents {
  onOpen(socket: TcpSocket): void;
  onFailed(failure: TcpDialFailure): void;
}

/** One attempt. */
export class TcpDial {
  readonly #options: TcpDialOptions;
  readonly #events: TcpDialEvents;
  readonly #carrier: Socket;
  readonly #late: TimerHandle;
  #secure: TLSSocket | undefined;
  #isOver = false;

  /** Throws what `node:tls` throws for material that it cannot read. */
  constructor(options: TcpDialOptions, events: TcpDialEvents) {
    this.#options = options;
    this.#events = events;
    const { tls } = options;
    // Made before anything is opened, so that bad material opens nothing.
    if (tls !== undefined) contextOf(tls);
    const carrier = connectPlain(addressOf(options));
    this.#carrier = carrier;
    carrier.once('connect', () => this.#connected(tls));
    carrier.on('error', this.#failed);
    carrier.once('close', this.#closed);
    this.#late = options.timers.after(options.connectTimeoutMs, () => {
      this.#fail('connect-timeout', `no connection within ${options.connectTimeoutMs} ms`);
    });
  }

  /** Gives the attempt up; no outcome is reported. */
  cancel(): void {
    if (this.#isOver) return;
    this.#end();
    this.#destroy();
  }

  readonly #failed = (error: unknown): void => {
    // Set by node:tls when the chain does not lead to one of our roots.
    const cause: unknown = this.#secure?.authorizationError;
    if (cause === null || cause === undefined) this.#fail('connect-failed', messageOf(error));
    else this.#fail('upstream-identity', `its certificate was refused: ${messageOf(cause)}`);
  };

  readonly #closed = (): void => this.#fail('connect-failed', 'closed before it was ready');

  #connected(tls: TlsClientOptions | undefined): void {
    if (this.#isOver) return;
    const carrier = this.#carrier;
    if (tls === undefined) {
      carrier.pause();
      this.#open(new TcpSocket(carrier));
      return;
    }
    const secure = connectTls({
      socket: carrier,
      secureContext: contextOf(tls),
      ALPNProtocols: [TCP_PROTOCOL],
      // Names are not what identifies a workload: `verifyPeer` judges the SPIFFE id.
      checkServerIdentity: () => undefined,
    });
    this.#secure = secure;
    secure.once('secureConnect', () => this.#secured(secure, tls));
    secure.on('error', this.#failed);
    secure.once('close', this.#closed);
  }

  #secured(secure: TLSSocket, tls: TlsClientOptions): void {
    if (this.#isOver) return;
    const certificate = secure.getPeerX509Certificate();
    if (certificate === undefined) {
      this.#fail('upstream-identity', 'it showed no certificate');
      return;
    }
    const verdict = tls.verifyPeer(certificate.raw);
    if (!verdict.ok) this.#fail('upstream-identity', verdict.error);
    else if (secure.alpnProtocol === TCP_PROTOCOL) this.#awaitAnswer(secure);
    else this.#fail('connect-failed', `it does not speak ${TCP_PROTOCOL}`);
  }

  #awaitAnswer(secure: TLSSocket): void {
    secure.once('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      secure.pause();
      const answer = readTcpAnswer(chunk[0] ?? 0);
      const ahead = chunk.length > 1 ? Buffer.from(chunk.subarray(1)) : undefined;
      if (answer === 'open') this.#open(new TcpSocket(secure, this.#carrier, ahead));
      else this.#fail(answer, 'says the sidecar there', true);
    });
  }

  #open(socket: TcpSocket): void {
    this.#end();
    for (const each of [this.#carrier, this.#secure]) {
      each?.off('error', this.#failed);
      each?.off('close', this.#closed);
    }
    this.#events.onOpen(socket);
  }

  #fail(reason: TcpDialFailure['reason'], detail: string, isAnswer = false): void {
    if (this.#isOver) return;
    this.#end();
    this.#destroy();
    const { address, port } = this.#options;
    const where = address.startsWith('unix:') ? address : `${address}:${port}`;
    this.#events.onFailed({ reason, isAnswer, detail: `${where}: ${detail}` });
  }

  /** TLS takes its carrier with it. The other way round its end would come amid its own handshake. */
  #destroy(): void {
    (this.#secure ?? this.#carrier).destroy();
  }

  #end(): void {
    this.#isOver = true;
    this.#late.cancel();
  }
}
