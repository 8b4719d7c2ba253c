/**
 * The control plane's side of identity: its authority on disk, the certificate that it serves the
 * push port with, and the certificates that it gives to proxies. Both its own are renewed in time;
 * nothing here keeps a passphrase but the closure that may need it for the next issuer.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  generateKey,
  issueLeaf,
  parseCsr,
  privateKeyPem,
  publicKeyDerOf,
  readCertificate,
  renewAtMs,
  renewalRetryAtMs,
  splitCertificates,
} from '@leno/ca';
import { type LoadedAuthority, loadOrCreateAuthority } from '@leno/ca/node';
import { controlPlaneId, type Trust } from '@leno/controlplane';
import type { Refusal, Svid } from '@leno/push';
import { type Clock, err, messageOf, ok, type Result, type Rng, type Timers } from '@leno/std';

/** How the authority is opened. */
export interface MeshAuthorityOptions {
  readonly directory: string;
  readonly passphrase: string;
  readonly trustDomain: string;
  /** Life of the certificates of proxies, and of its own server's. */
  readonly leafTtlMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly on: {
    /** The server has a new certificate: connections from now on are to use it. */
    serverRenewed(tls: ServerTls): void;
    issued(identity: string, notAfterMs: number): void;
    /** A certificate of its own was renewed. */
    renewed(): void;
    /** A renewal failed and is tried again. */
    renewalFailed(what: 'server certificate' | 'issuer', thrown: unknown): void;
  };
}

/** What a TLS server is given: PEM. The chain ends with the root, by which a pin is checked. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

const minuteMs = 60_000;
/** A timer of the runtime holds 24.8 days; what is later is looked at again then. */
const timerMsMax = 7 * 24 * 60 * minuteMs;
const leafLimits = { ttlMinMs: 30_000, ttlMaxMs: 90 * 24 * 60 * minuteMs };

/** See the head of this file. */
export class MeshAuthority {
  readonly #options: MeshAuthorityOptions;
  #loaded: LoadedAuthority;
  #server: ServerTls & { readonly notBeforeMs: number; readonly notAfterMs: number };
  #issuedCount = 0;
  readonly #timers = new Map<'server certificate' | 'issuer', { cancel(): void }>();

  private constructor(options: MeshAuthorityOptions, loaded: LoadedAuthority) {
    this.#options = options;
    this.#loaded = loaded;
    this.#server = this.#newServerCertificate();
    this.#planServer(renewAtMs(this.#server.notBeforeMs, this.#server.notAfterMs, options.rng));
    this.#planIssuer(loaded.renewIssuerAtMs);
  }

  /** Opens the authority in the directory, or makes it. Throws what `loadOrCreateAuthority` throws. */
  static async open(options: MeshAuthorityOptions): Promise<MeshAuthority> {
    await mkdir(dirname(options.directory), { recursive: true, mode: 0o700 });
    return new MeshAuthority(options, await load(options));
  }

  /** SHA-256 of the roots: what proxies are given to know this control plane by. */
  get pin(): string {
    return this.#loaded.bundle.hash;
  }

  get trust(): Trust {
    const { roots, sequence } = this.#loaded.bundle;
    return { trustDomain: this.#options.trustDomain, roots, sequence };
  }

  get serverTls(): ServerTls {
    return this.#server;
  }

  /** Certificates given to proxies since the start. */
  get issuedCount(): number {
    return this.#issuedCount;
  }

  /** Ends of validity, milliseconds since 1970. */
  get expiry(): { readonly rootNotAfterMs: number; readonly issuerNotAfterMs: number } {
    const ends = this.#loaded.bundle.roots.map((root) => readCertificate(root).notAfterMs);
    return {
      rootNotAfterMs: Math.min(...ends),
      issuerNotAfterMs: this.#loaded.issuer.notAfterMs,
    };
  }

  /** A certificate for an attested identity; names in the request count for nothing. */
  issue(identity: string, csrPem: string): Result<Svid, Refusal> {
    const csr = parseCsr(csrPem);
    if (!csr.ok) return err({ code: 'CSR_REFUSED', msg: csr.error.message });
    const { leafTtlMs, clock, on } = this.#options;
    try {
      const { issuer, bundle } = this.#loaded;
      const leaf = issueLeaf({
        issuer,
        publicKeyDer: csr.value.publicKeyDer,
        spiffeId: identity,
        nowMs: clock.wallMs(),
        ttlMs: leafTtlMs,
        limits: leafLimits,
      });
      const { notAfterMs } = leaf;
      this.#issuedCount += 1;
      on.issued(identity, notAfterMs);
      return ok({ chain: splitCertificates(leaf.chainPem), bundle: bundle.roots, notAfterMs });
    } catch (thrown) {
      return err({ code: 'ISSUANCE_REFUSED', msg: messageOf(thrown) });
    }
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #newServerCertificate(): ServerTls & { notBeforeMs: number; notAfterMs: number } {
    const { trustDomain, leafTtlMs, clock } = this.#options;
    const { issuer, bundle } = this.#loaded;
    const key = generateKey();
    const leaf = issueLeaf({
      issuer,
      publicKeyDer: publicKeyDerOf(key),
      spiffeId: controlPlaneId(trustDomain),
      nowMs: clock.wallMs(),
      ttlMs: leafTtlMs,
      limits: leafLimits,
    });
    const { notBeforeMs, notAfterMs } = leaf;
    const cert = leaf.chainPem + bundle.pem;
    return { key: privateKeyPem(key), cert, ca: bundle.pem, notBeforeMs, notAfterMs };
  }

  #renewServer(): void {
    const { clock, rng, on } = this.#options;
    try {
      this.#server = this.#newServerCertificate();
      on.serverRenewed(this.#server);
      on.renewed();
      this.#planServer(renewAtMs(this.#server.notBeforeMs, this.#server.notAfterMs, rng));
    } catch (thrown) {
      on.renewalFailed('server certificate', thrown);
      this.#planServer(renewalRetryAtMs(this.#server, clock.wallMs(), rng));
    }
  }

  async #renewIssuer(): Promise<void> {
    const { clock, on } = this.#options;
    try {
      this.#loaded = await load(this.#options);
      this.#renewServer();
      this.#planIssuer(Math.max(this.#loaded.renewIssuerAtMs, clock.wallMs() + 60 * minuteMs));
    } catch (thrown) {
      on.renewalFailed('issuer', thrown);
      this.#planIssuer(clock.wallMs() + 10 * minuteMs);
    }
  }

  #planServer(atMs: number): void {
    this.#plan('server certificate', atMs, () => this.#renewServer());
  }

  #planIssuer(atMs: number): void {
    this.#plan('issuer', atMs, () => void this.#renewIssuer());
  }

  #plan(what: 'server certificate' | 'issuer', atMs: number, renew: () => void): void {
    const { clock, timers } = this.#options;
    this.#timers.get(what)?.cancel();
    const delayMs = Math.max(0, atMs - clock.wallMs());
    const fire = () => (delayMs > timerMsMax ? this.#plan(what, atMs, renew) : renew());
    this.#timers.set(what, timers.after(Math.min(delayMs, timerMsMax), fire));
  }
}

function load(options: MeshAuthorityOptions): Promise<LoadedAuthority> {
  const { directory, passphrase, trustDomain, clock } = options;
  return loadOrCreateAuthority(directory, passphrase, { trustDomain, nowMs: clock.wallMs() });
}
