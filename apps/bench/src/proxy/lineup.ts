/** The subjects of a run, each started when a case first asks for it. */
import type { Bed } from './bed.ts';
import type { SubjectName } from './cases.ts';
import { type Mesh, type MeshOptions, type Sidecar, startMesh } from './mesh.ts';
import { startBareEcho, startBarePair, startBareTlsPair, startNodeProxy } from './scripts.ts';
import { envoy, haproxy, nginx, type Subject, startHop, startPair } from './subject.ts';
import type { Upstreams } from './upstream.ts';

export class Lineup {
  readonly bed: Bed;
  readonly upstreams: Upstreams;
  readonly #started = new Map<SubjectName, Promise<Subject | undefined>>();
  readonly #options: MeshOptions;
  #mesh: Promise<Mesh> | undefined;

  constructor(bed: Bed, upstreams: Upstreams, options: MeshOptions = {}) {
    this.bed = bed;
    this.upstreams = upstreams;
    this.#options = options;
  }

  /** The subject, or undefined if its program is not here. */
  subject(name: SubjectName): Promise<Subject | undefined> {
    let started = this.#started.get(name);
    if (started === undefined) {
      started = this.#start(name);
      this.#started.set(name, started);
    }
    return started;
  }

  hasStarted(name: SubjectName): boolean {
    return this.#started.has(name);
  }

  /** Our processes, started if they are not yet. */
  mesh(): Promise<Mesh> {
    this.#mesh ??= startMesh(this.bed, this.upstreams, this.#options);
    return this.#mesh;
  }

  /** The same, if a case has asked for them. */
  get startedMesh(): Promise<Mesh> | undefined {
    return this.#mesh;
  }

  async #start(name: SubjectName): Promise<Subject | undefined> {
    const { bed } = this;
    const { http } = this.upstreams;
    const { programs } = bed;
    if (name.startsWith('leno')) return this.#own(name);
    if (name.startsWith('haproxy') && programs.haproxy === undefined) return undefined;
    if (name.startsWith('envoy') && programs.envoy === undefined) return undefined;
    const peers = {
      haproxy: haproxy(programs.haproxy ?? ''),
      nginx: nginx(programs.nginx),
      envoy: envoy(programs.envoy ?? ''),
    };
    if (name === 'haproxy' || name === 'nginx' || name === 'envoy') {
      return startHop(bed, peers[name], http);
    }
    const h2 = { upstream: http, alpn: 'h2' } as const;
    const h1 = { upstream: http, alpn: 'http/1.1' } as const;
    if (name === 'haproxy h2') return startPair(bed, peers.haproxy, h2);
    if (name === 'haproxy h1') return startPair(bed, peers.haproxy, h1);
    if (name === 'nginx h1') return startPair(bed, peers.nginx, h1);
    if (name === 'envoy h2') return startPair(bed, peers.envoy, h2);
    if (name === 'http-proxy-3') return startNodeProxy(bed, http);
    if (name === 'bare echo') return startBareEcho(bed);
    return name === 'bare echo pair' ? startBarePair(bed) : startBareTlsPair(bed);
  }

  async #own(name: SubjectName): Promise<Subject> {
    const { hop, near, far, calls } = await this.mesh();
    if (name === 'leno hop') return subjectOf(name, 'plain', [hop]);
    if (name === 'leno pair') return subjectOf(name, 'web', [near, far]);
    return subjectOf(name, 'calls', [near, calls]);
  }
}

function subjectOf(name: string, authority: string, sidecars: readonly Sidecar[]): Subject {
  const address = sidecars[0]?.outbound ?? '';
  const groups = sidecars.map(({ running }) => running.pid);
  return { name, target: { address, authority }, groups, isCompiling: true };
}
