/**
 * Opens a connection to an upstream: TCP or a unix socket, and mutual TLS 1.3 on it. A socket is
 * given out only when it may be used: connected, and its peer's certificate taken.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { messageOf, type TimerHandle } from '@leno/std';
import type { TryFailure } from './exchange.ts';
import type { UpstreamPoolOptions } from './pool-options.ts';
import type { Protocol } from './pool-sibling.ts';
import type { TlsClientOptions } from './tls-options.ts';

export interface DialOutcome {
  /** `protocol` is one of those that were offered. */
  onReady(socket: Socket, protocol: Protocol): void;
  onFailed(failure: TryFailure): void;
}

const contexts = new WeakMap<TlsClientOptions, SecureContext>();
const UNIX = 'unix:';

/** One attempt. Exactly one of the two outcomes is reported, later, unless it is cancelled. */
export class Dial {
  readonly #options: UpstreamPoolOptions;
  readonly #outcome: DialOutcome;
  readonly #socket: Socket;
  readonly #late: TimerHandle;
  readonly #protocols: readonly Protocol[];
  #isOver = false;

  /**
   * `protocols` are offered by ALPN, the preferred first; without TLS that one is meant. Throws what
   * `node:tls` throws for material that it cannot read.
   */
  constructor(
    options: UpstreamPoolOptions,
    outcome: DialOutcome,
    protocols: readonly Protocol[] = ['http/1.1'],
  ) {
    this.#options = options;
    this.#protocols = protocols;
    this.#outcome = outcome;
    const tls = options.tls?.value;
    if (tls === undefined) {
      this.#socket = connectPlain(addressOf(options));
      this.#socket.once('connect', () => this.#connected(protocols[0] ?? 'http/1.1'));
    } else {
      const socket = connectTls({
        ...addressOf(options),
        secureContext: contextOf(tls),
        ALPNProtocols: [...protocols],
        // Names are not what identifies a workload: `verifyPeer` judges the SPIFFE id.
        checkServerIdentity: () => undefined,
      });
      this.#socket = socket;
      socket.once('secureConnect', () => this.#secured(socket, tls));
    }
    this.#socket.on('error', this.#failed);
    this.#socket.once('close', this.#closed);
    this.#late = options.timers.after(options.connectTimeoutMs, () => {
      this.#fail('connect-timeout', `no connection within ${options.connectTimeoutMs} ms`);
    });
  }

  /** Gives the attempt up; no outcome is reported. */
  cancel(): void {
    this.#end();
    this.#socket.destroy();
  }

  #connected(protocol: Protocol): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.off('error', this.#failed);
    this.#socket.off('close', this.#closed);
    this.#outcome.onReady(this.#socket, protocol);
  }

  readonly #failed = (error: unknown): void => {
    // Set by node:tls when the chain does not lead to one of our roots.
    const cause: unknown = 'authorizationError' in this.#socket && this.#socket.authorizationError;
    if (cause === null || cause === undefined || cause === false) {
      this.#fail('connect-failed', messageOf(error));
    } else {
      this.#fail('upstream-identity', `its certificate was refused: ${messageOf(cause)}`);
    }
  };

  readonly #closed = (): void => this.#fail('connect-failed', 'closed before it was ready');

  #secured(socket: TLSSocket, tls: TlsClientOptions): void {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      this.#fail('upstream-identity', 'it showed no certificate');
      return;
    }
    const verdict = tls.verifyPeer(certificate.raw);
    // Without ALPN HTTP/1.1 is meant, and nothing else (RFC 9113 §3.2).
    const spoken = socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
    if (!verdict.ok) this.#fail('upstream-identity', verdict.error);
    else if (this.#protocols.includes(spoken)) this.#connected(spoken);
    else this.#fail('connect-failed', `it does not speak ${this.#protocols.join(' or ')}`);
  }

  #fail(reason: TryFailure['reason'], detail: string): void {
    if (this.#isOver) return;
    this.#end();
    this.#socket.destroy();
    this.#outcome.onFailed({ reason, unprocessed: true, detail: `${this.#where}: ${detail}` });
  }

  #end(): void {
    this.#isOver = true;
    this.#late.cancel();
  }

  get #where(): string {
    const { address, port } = this.#options;
    return address.startsWith(UNIX) ? address : `${address}:${port}`;
  }
}

/** How `node:net` is told where to connect; what connects may end its halves one by one. */
export function addressOf(options: Pick<UpstreamPoolOptions, 'address' | 'port'>) {
  const common = { allowHalfOpen: true, noDelay: true };
  if (options.address.startsWith(UNIX)) {
    return { ...common, path: options.address.slice(UNIX.length) };
  }
  return { ...common, host: options.address, port: options.port };
}

/** One per options object: making one costs as much as a good part of a handshake. */
export function contextOf(tls: TlsClientOptions): SecureContext {
  let context = contexts.get(tls);
  if (context === undefined) {
    context = createSecureContext({
      key: tls.key,
      cert: tls.cert,
      ca: tls.ca,
      minVersion: 'TLSv1.3',
    });
    contexts.set(tls, context);
  }
  return context;
}
