/**
 * The roots that a trust domain is verified by, as a value: a change makes a new bundle with a
 * higher sequence. The hash of a bundle is what is pinned where no certificate can be checked yet:
 * a proxy that joins is given it with its token and so knows the control plane at first sight.
 */
import { createHash } from 'node:crypto';
import { err, ok, type Result } from '@leno/std';
import { TrustBundleError } from './ca-errors.ts';
import { certificatePem, readCertificate } from './certificate.ts';

const rootCountMax = 16;
const pinPattern = /^sha256:[0-9a-f]{64}$/;

/** 1 to 16 roots, none twice, and a number that grows with each change. */
export class TrustBundle {
  /** PEM, one certificate each, in the order in which they came. */
  readonly roots: readonly string[];
  /** Monotonic, from 1 (SPIFFE `spiffe_sequence`). */
  readonly sequence: number;
  /** `bundleHash` of the roots. */
  readonly hash: string;

  private constructor(roots: readonly string[], sequence: number) {
    this.roots = roots;
    this.sequence = sequence;
    this.hash = bundleHash(roots);
  }

  /** A bundle of these roots; `sequence` defaults to 1. Throws `TrustBundleError`. */
  static of(roots: readonly string[], sequence = 1): TrustBundle {
    const unique = [...new Set(roots.map(rootPem))];
    if (unique.length === 0) throw new TrustBundleError('a trust bundle needs at least one root');
    if (unique.length > rootCountMax) {
      throw new TrustBundleError(`a trust bundle holds at most ${rootCountMax} roots`);
    }
    return new TrustBundle(unique, sequence);
  }

  /** The bundle with one root more; this very one if it is there already. */
  add(root: string): TrustBundle {
    const pem = rootPem(root);
    if (this.roots.includes(pem)) return this;
    return TrustBundle.of([...this.roots, pem], this.sequence + 1);
  }

  /**
   * The bundle without that root; this very one if it is not there. The last root cannot be
   * removed: that would cut off every peer at once.
   */
  remove(root: string): TrustBundle {
    const pem = rootPem(root);
    if (!this.roots.includes(pem)) return this;
    return TrustBundle.of(
      this.roots.filter((it) => it !== pem),
      this.sequence + 1,
    );
  }

  /** All roots as one text: node:tls `ca`. */
  get pem(): string {
    return this.roots.join('');
  }
}

/**
 * The pin of a set of roots, each PEM or DER: `sha256:` and 64 hex digits, over the sorted SHA-256
 * of their DER. Order, repetition and the form of the PEM do not matter.
 */
export function bundleHash(roots: readonly (string | Uint8Array)[]): string {
  const fingerprints = roots.map((root) => sha256(readCertificate(root).der));
  return `sha256:${sha256([...new Set(fingerprints)].sort().join('\n'))}`;
}

/**
 * Whether these roots are the ones pinned. The error says what was expected and what came, or that
 * the pin itself is malformed.
 */
export function checkPin(
  roots: readonly (string | Uint8Array)[],
  pin: string,
): Result<string, string> {
  if (!pinPattern.test(pin)) return err('the pin is not sha256: and 64 lower-case hex digits');
  const hash = bundleHash(roots);
  return hash === pin ? ok(hash) : err(`the trust bundle is ${hash}, not ${pin} as pinned`);
}

function rootPem(root: string): string {
  const certificate = readCertificate(root);
  if (!certificate.isAuthority || certificate.keyUsage?.has('keyCertSign') === false) {
    throw new TrustBundleError(`the certificate ${certificate.serial} is no root: it may not sign`);
  }
  return certificatePem(certificate.der);
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
