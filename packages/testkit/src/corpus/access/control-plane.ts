/** The control plane of the bed: pushes whatever it is given to the one proxy, and hears its verdict. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Resource, viewDigest } from '@leno/config';
import { PushServer } from '@leno/push/node';
import { err, ok, systemClock, systemRng, systemTimers } from '@leno/std';
import type { TestCa } from '../../certificates.ts';
import { until } from '../bed/until.ts';

const WITHIN_MS = 5_000;

/** A resource before it has a version. */
export type Unversioned = Omit<Resource, 'version'>;

/** What is to be in force. */
interface Head {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  readonly resources: Resource[];
}

export class BedControlPlane {
  readonly address: string;
  readonly #server: Server;
  readonly #push: PushServer;
  #head: Head;

  private constructor(server: Server, push: PushServer, head: Head) {
    this.#server = server;
    this.#push = push;
    this.#head = head;
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(ca: TestCa, resources: readonly Unversioned[]): Promise<BedControlPlane> {
    const leaf = ca.leaf(ca.id('/control-plane'));
    const server = createServer({
      key: leaf.key,
      cert: leaf.cert + ca.root.certificatePem,
      ca: [ca.root.certificatePem],
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    });
    const held: { current?: BedControlPlane } = {};
    const push = new PushServer({
      server,
      clock: systemClock,
      timers: systemTimers,
      rng: systemRng,
      authenticate: ({ peerDer }) =>
        peerDer === undefined ? err('no certificate') : ok({ kind: 'member', identity: 'proxy' }),
      viewFor: () => held.current?.head,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const head = headOf(1, resources, undefined);
    held.current = new BedControlPlane(server, push, head);
    return held.current;
  }

  get head(): Head {
    return this.#head;
  }

  /** Puts these resources in force; gives the reason if the proxy refuses any of them. */
  async put(resources: readonly Unversioned[]): Promise<string | undefined> {
    const before = this.#head;
    this.#head = headOf(before.version + 1, resources, before);
    this.#push.headAdvanced('urgent');
    return this.verdict();
  }

  /** Waits until the proxy has said what it makes of the head. */
  async verdict(): Promise<string | undefined> {
    const { version } = this.#head;
    const found = (): number =>
      this.#push.sessions().findIndex((it) => (it.settled?.version ?? -1) >= version);
    if (!(await until(() => found() >= 0, WITHIN_MS))) {
      return `the proxy has not taken revision ${version} within ${WITHIN_MS} ms`;
    }
    const session = this.#push.sessions()[found()];
    if (session?.verdict === 'applied') return undefined;
    const [first] = session?.errors ?? [];
    return first === undefined ? 'refused without a reason' : `${first.path}: ${first.msg}`;
  }

  async close(): Promise<void> {
    await this.#push.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** What has not changed keeps its version. */
function headOf(
  version: number,
  resources: readonly Unversioned[],
  before: Head | undefined,
): Head {
  const known = new Map(before?.resources.map((it) => [`${it.type}/${it.name}`, it]));
  const versioned = resources.map((it): Resource => {
    const same = known.get(`${it.type}/${it.name}`);
    return same?.hash === it.hash ? same : { ...it, version };
  });
  return { epoch: 1, version, digest: viewDigest(versioned), resources: versioned };
}
