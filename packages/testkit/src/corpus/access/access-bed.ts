/**
 * The bed of access policies: a proxy with an identity before the recorder, its control plane, and peers
 * with certificates of the mesh. Between cases no policy is in force.
 */
import { TestCa, type TestIdentity } from '../../certificates.ts';
import { Bed } from '../bed/bed.ts';
import { lastKnownGood, ProxyProcess } from '../bed/proxy-process.ts';
import { RawClient } from '../bed/raw-client.ts';
import { Recorder } from '../bed/recorder.ts';
import { BedDns } from './bed-dns.ts';
import { BedControlPlane } from './control-plane.ts';
import { compileMesh, type MeshSays, TRUST_DOMAIN } from './mesh-objects.ts';

const ORDINARY_PEER = `spiffe://${TRUST_DOMAIN}/ns/test/sa/ordinary`;
const OWN_ID = `spiffe://${TRUST_DOMAIN}/ns/local/sa/svc`;
const NO_POLICIES: MeshSays = { policies: [] };

/** What can be done with a bed while no policy of a case is in force yet. */
export class AccessBed {
  readonly http: Bed;
  /** Names outside the mesh. */
  readonly dns: BedDns;
  readonly #ca: TestCa;
  readonly #controlPlane: BedControlPlane;
  readonly #peers = new Map<string, TestIdentity>();

  private constructor(
    { http, dns }: Pick<AccessBed, 'http' | 'dns'>,
    ca: TestCa,
    controlPlane: BedControlPlane,
  ) {
    this.http = http;
    this.dns = dns;
    this.#ca = ca;
    this.#controlPlane = controlPlane;
  }

  static async open(): Promise<AccessBed> {
    const ca = new TestCa(TRUST_DOMAIN);
    const first = compileMesh(NO_POLICIES);
    if (first.kind === 'refused') throw new Error(first.why);
    const controlPlane = await BedControlPlane.open(ca, first.resources);
    const recorder = new Recorder();
    const { svc } = await recorder.listen();
    const dns = await BedDns.open();
    const own = ca.leaf(OWN_ID);
    const start = async (): Promise<ProxyProcess> => {
      const proxy = await ProxyProcess.launch({
        files: {
          'identity.json': identityFile(own),
          'config.json': lastKnownGood({ ...controlPlane.head, savedAtMs: 0 }),
        },
        env: {
          LENO_CONTROL_PLANE: controlPlane.address,
          LENO_APP: `127.0.0.1:${svc}`,
          LENO_SERVICE: 'svc',
          LENO_NAMESPACE: 'local',
          LENO_DNS_SERVERS: dns.address,
        },
      });
      const problem = await controlPlane.verdict();
      if (problem !== undefined) throw new Error(problem);
      return proxy;
    };
    const ordinary = ca.leaf(ORDINARY_PEER);
    const http = await Bed.of(recorder, start, (proxy) =>
      RawClient.openTls(proxy.inboundPort, ordinary),
    );
    return new AccessBed({ http, dns }, ca, controlPlane);
  }

  /** Puts this in force, or gives the reason why it is refused; then the former stays. */
  async apply(says: MeshSays): Promise<string | undefined> {
    const compiled = compileMesh(says);
    return compiled.kind === 'refused' ? compiled.why : this.#controlPlane.put(compiled.resources);
  }

  /** No policy is in force any more. */
  async clear(): Promise<void> {
    const problem = await this.apply(NO_POLICIES);
    if (problem !== undefined) throw new Error(problem);
  }

  /** A certificate of this mesh for any id. */
  identityOf(peer: string): TestIdentity {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const made = this.#ca.leaf(peer);
    this.#peers.set(peer, made);
    return made;
  }

  /**
   * For HTTP, or for another `protocol` between sidecars. Rejects if no certificate can be made for that
   * name, or the proxy takes none of that name.
   */
  async connectAs(peer: string, protocol?: string): Promise<RawClient> {
    return RawClient.openTls(this.http.proxy.inboundPort, this.identityOf(peer), protocol);
  }

  async close(): Promise<void> {
    await this.http.close();
    await this.#controlPlane.close();
    this.dns.close();
  }
}

/** As a proxy keeps it. */
function identityFile({ key, cert, ca }: TestIdentity): string {
  const chain = cert.split(/(?<=-----END CERTIFICATE-----\n)/).filter((it) => it.trim() !== '');
  return `${JSON.stringify({ key, chain, roots: [ca] })}\n`;
}
