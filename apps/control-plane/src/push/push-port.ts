/** The port that proxies come to: TLS 1.3 with client certificates, join tokens for the first one. */
import { createServer, type Server } from 'node:https';
import { peerIdentity, readCertificate } from '@leno/ca';
import type { MeshState, ProxyBook, SessionDesk } from '@leno/controlplane';
import { type Caller, PushServer, type SessionInfo, type UpgradeInfo } from '@leno/push/node';
import { type Clock, err, ok, type Result, type Rng, type Timers } from '@leno/std';
import type { JoinDesk } from '../authority/join-desk.ts';
import type { MeshAuthority, ServerTls } from '../authority/mesh-authority.ts';

/** What the port works with. */
export interface PushPortOptions {
  readonly state: MeshState;
  readonly desk: SessionDesk;
  readonly book: ProxyBook;
  readonly authority: MeshAuthority;
  readonly joinDesk: JoinDesk;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  /** A proxy has given its verdict on a configuration. */
  readonly acked: () => void;
  /** A proxy knows a newer epoch than the store has. */
  readonly fenced: (epoch: number) => void;
}

/** Identities whose certificate was seen and whose `hello` is awaited. */
const awaitedCountMax = 10_000;

/** See the head of this file. */
export class PushPort {
  readonly server: Server;
  readonly push: PushServer;
  readonly #options: PushPortOptions;
  readonly #notAfterMs = new Map<string, number>();

  constructor(options: PushPortOptions) {
    this.#options = options;
    this.server = createServer({
      ...options.authority.serverTls,
      minVersion: 'TLSv1.3',
      requestCert: true,
      // Those without one come with a token; one that does not verify is refused by the push server.
      rejectUnauthorized: false,
      handshakeTimeout: 5_000,
    });
    this.server.on('request', (_, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"type":"about:blank","title":"Not Found","status":404}');
    });
    const { clock, timers, rng, state } = options;
    this.push = new PushServer({
      server: this.server,
      clock,
      timers,
      rng,
      authenticate: (caller) => this.#authenticate(caller),
      viewFor: () => state.view,
      on: this.#listeners(),
    });
  }

  /** Connections from now on see the new certificate. */
  renew(tls: ServerTls): void {
    this.server.setSecureContext({ ...tls, minVersion: 'TLSv1.3' });
  }

  /** Tells every session that the server goes (1001), then closes the port. */
  async close(): Promise<void> {
    await this.push.close();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  async #authenticate(caller: UpgradeInfo): Promise<Result<Caller, string>> {
    const { trustDomain, clock, joinDesk } = this.#options;
    if (caller.peerDer !== undefined) {
      const wallMs = clock.wallMs();
      const identity = peerIdentity(caller.peerDer, { trustDomain, wallMs });
      if (!identity.ok) return identity;
      const expiresAtMs = readCertificate(caller.peerDer).notAfterMs;
      this.#remember(identity.value, expiresAtMs);
      return ok({ kind: 'member', identity: identity.value, expiresAtMs });
    }
    if (caller.token === undefined) return err('neither a certificate nor a token');
    const admitted = await joinDesk.admit(caller.token);
    return admitted.ok ? ok({ kind: 'joining', identity: admitted.value }) : admitted;
  }

  /** `hello` follows at once, and the certificate is that of the session then. */
  #remember(identity: string, notAfterMs: number): void {
    this.#notAfterMs.delete(identity);
    this.#notAfterMs.set(identity, notAfterMs);
    const [oldest] = this.#notAfterMs.keys();
    if (this.#notAfterMs.size > awaitedCountMax && oldest !== undefined) {
      this.#notAfterMs.delete(oldest);
    }
  }

  #listeners(): NonNullable<ConstructorParameters<typeof PushServer>[0]['on']> {
    const { desk, book, authority, joinDesk, acked, fenced } = this.#options;
    return {
      hello: (session) => {
        const notAfterMs = this.#notAfterMs.get(session.identity);
        if (notAfterMs !== undefined) book.certified(session.id, notAfterMs);
        return desk.hello(session);
      },
      ack: (session) => {
        desk.ack(session);
        acked();
      },
      lease: (session, command) => desk.lease(session, command),
      csr: async (session: SessionInfo, pem) => {
        if (session.kind === 'joining') {
          const spent = await joinDesk.spend(session.identity);
          if (!spent.ok) return err({ code: 'DENIED', msg: spent.error });
        }
        const issued = authority.issue(session.identity, pem);
        if (issued.ok) book.certified(session.id, issued.value.notAfterMs);
        return issued;
      },
      stat: (session, body) => desk.stat(session, body),
      leave: (session, instance) => desk.leave(session, instance),
      closed: (session, end) => desk.closed(session, end),
      fence: (epoch) => fenced(epoch),
    };
  }
}
