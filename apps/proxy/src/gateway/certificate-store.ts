/**
 * The certificates of a gateway, as they are on disk: read when a configuration names them, and again
 * when their files change. What cannot be used changes nothing: the certificate before it is shown on,
 * and a fault says why.
 *
 * Looked at once a second, for a directory may be a network's or a container's, where nobody is told
 * of changes. Two files are not written in one moment: what fails is tried again as it changes.
 */
import { type Clock, messageOf, type TimerHandle, type Timers } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import { CertificateError } from './certificate-error.ts';
import { type GatewayCertificate, readCertificate, signatureOf } from './read-certificate.ts';

const LOOK_MS = 1_000;

export interface CertificateStorePorts {
  /** Undefined: there is none, and every name is a fault. */
  readonly directory: string | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Pick<JsonLogger, 'info' | 'warn'>;
  /** What is shown has changed. */
  readonly changed: () => void;
}

/** As many as the gateway in force and the one that is prepared name. */
interface Held {
  certificate: GatewayCertificate | undefined;
  signature: string;
  /** Why what is on disk is not what is shown. */
  fault: string | undefined;
}

export class CertificateStore {
  readonly #ports: CertificateStorePorts;
  readonly #held = new Map<string, Held>();
  #timer: TimerHandle | undefined;

  constructor(ports: CertificateStorePorts) {
    this.#ports = ports;
  }

  get(name: string): GatewayCertificate | undefined {
    return this.#held.get(name)?.certificate;
  }

  /** When each that is shown ends, by name. */
  *ends(): Iterable<readonly [string, number]> {
    for (const [name, { certificate }] of this.#held) {
      if (certificate !== undefined) yield [name, certificate.notAfterMs];
    }
  }

  /** For people. */
  faults(): readonly string[] {
    return [...this.#held.values()].flatMap(({ fault }) => fault ?? []);
  }

  /** Takes a certificate in, unless it is held; gives why it cannot be used. */
  async load(name: string): Promise<string | undefined> {
    const held = this.#held.get(name) ?? {
      certificate: undefined,
      signature: '',
      fault: undefined,
    };
    if (held.certificate !== undefined) return undefined;
    await this.#read(name, held);
    if (held.certificate === undefined) return held.fault;
    this.#held.set(name, held);
    this.#timer ??= this.#ports.timers.after(LOOK_MS, this.#look);
    return undefined;
  }

  /** Forgets all others. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#held.keys()) if (!names.has(name)) this.#held.delete(name);
  }

  close(): void {
    this.#timer?.cancel();
    this.#held.clear();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    void this.#lookAtAll().finally(() => {
      if (this.#held.size > 0) this.#timer ??= this.#ports.timers.after(LOOK_MS, this.#look);
    });
  };

  async #lookAtAll(): Promise<void> {
    let hasChanged = false;
    for (const [name, held] of this.#held) {
      const before = held.certificate;
      const signature = await signatureOf(this.#ports.directory ?? '', name);
      if (signature === held.signature) continue;
      await this.#read(name, held);
      const { certificate, fault } = held;
      if (fault !== undefined) this.#ports.log.warn('certificate not taken', { name, why: fault });
      else if (certificate?.cert !== before?.cert || certificate?.key !== before?.key) {
        hasChanged = true;
        this.#ports.log.info('certificate taken', { name });
      }
    }
    if (hasChanged) this.#ports.changed();
  }

  async #read(name: string, held: Held): Promise<void> {
    const { directory, clock } = this.#ports;
    if (directory === undefined) {
      held.fault = `there is no certificate ${name}: LENO_CERTIFICATE_DIR is not set`;
      return;
    }
    // Asked first: what changes while it is read is read once more.
    held.signature = await signatureOf(directory, name);
    try {
      held.certificate = await readCertificate(directory, name, clock.wallMs());
      held.fault = undefined;
    } catch (thrown) {
      if (!(thrown instanceof CertificateError)) throw thrown;
      held.fault = messageOf(thrown);
    }
  }
}
