/**
 * Our side: a real control plane and real proxies, out of `dist` as users run them. `hop` and `pair`
 * are processes of their own, so that what one has become used to cannot help the other.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allocatePorts, type RunningProcess } from '@leno/std/node';
import { type Bed, NotUpError } from './bed.ts';
import { registerPlain } from './plain-endpoint.ts';
import type { Upstreams } from './upstream.ts';

const apps = join(import.meta.dirname, '../../..');
const token = 'bench-token-bench-token-bench-token';
const readyTimeoutMs = 30_000;
const profiledProxy = [
  '--conditions=@leno/source',
  '--perf-basic-prof-only-functions',
  join(apps, 'proxy/src/main.ts'),
];

/** A sidecar under measurement. */
export interface Sidecar {
  readonly name: string;
  readonly running: RunningProcess;
  readonly outbound: string;
  readonly inbound: string;
  readonly admin: string;
}

/** Who is there, and what they may be asked for. */
export interface Mesh {
  readonly hop: Sidecar;
  readonly near: Sidecar;
  readonly far: Sidecar;
  /** The inbound side of the gRPC application. */
  readonly calls: Sidecar;
  /** Starts one more sidecar of `near`'s kind. */
  add(name: string, options: Partial<SidecarOptions>): Promise<Sidecar>;
  stop(): void;
}

/** How the proxies run. */
export interface MeshOptions {
  /** From their sources, with the names of what V8 compiles written down for `perf`. Default false. */
  readonly isProfiled?: boolean;
}

interface SidecarOptions extends Required<MeshOptions> {
  readonly app: string;
  readonly core: 'proxy' | 'both';
  readonly env: Readonly<Record<string, string>>;
}

/** What is dialled: `plain` has no sidecar, `web` one, `calls` speaks gRPC. */
const config = `apiVersion: leno.dev/v1
kind: MeshConfig
metadata: { name: mesh }
spec: { egress: deny }
---
apiVersion: v1
kind: Service
metadata: { name: plain, namespace: default }
spec: { selector: { app: plain }, ports: [{ port: 80, name: http, appProtocol: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { app: web }, ports: [{ port: 80, name: http, appProtocol: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: calls, namespace: default }
spec: { selector: { app: calls }, ports: [{ port: 80, name: grpc, appProtocol: grpc }] }
---
apiVersion: leno.dev/v1
kind: AccessPolicy
metadata: { name: web, namespace: default }
spec:
  targetRef: { name: web }
  action: ALLOW
  rules:
    - from: { principals: [spiffe://mesh.local/ns/default/sa/near] }
      to: { methods: [GET, POST], paths: [{ prefix: / }] }
---
apiVersion: leno.dev/v1
kind: AccessPolicy
metadata: { name: calls, namespace: default }
spec:
  targetRef: { name: calls }
  action: ALLOW
  rules:
    - from: { principals: [spiffe://mesh.local/ns/default/sa/near] }
`;

/** Starts all of it; everyone sees everyone when this resolves. */
export async function startMesh(
  bed: Bed,
  upstreams: Upstreams,
  { isProfiled = false }: MeshOptions,
): Promise<Mesh> {
  const control = await startControlPlane(bed);
  const web = `127.0.0.1:${upstreams.http}`;
  const add = (name: string, options: Partial<SidecarOptions>): Promise<Sidecar> =>
    startSidecar(bed, control, { name, app: web, core: 'proxy', env: {}, isProfiled, ...options });
  const stop = await registerPlain({
    ...control,
    joinToken: await control.joinToken('plain'),
    service: 'plain',
    port: upstreams.http,
  });
  const hop = await add('hop', {});
  const near = await add('near', {});
  const far = await add('web', {});
  const calls = await add('calls', { app: `h2c://127.0.0.1:${upstreams.grpc}` });
  await control.api('POST', '/v1/apply?wait=10s', config);
  await untilConverged(control, 5);
  return { hop, near, far, calls, add, stop };
}

interface ControlPlane {
  readonly push: string;
  readonly trustPin: string;
  api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  joinToken(service: string): Promise<string>;
}

async function startControlPlane(bed: Bed): Promise<ControlPlane> {
  const [apiPort = 0, pushPort = 0] = await allocatePorts(2);
  const state = join(bed.directory, 'control-plane');
  mkdirSync(state, { mode: 0o700 });
  const push = `127.0.0.1:${pushPort}`;
  const running = bed.start({
    name: 'control-plane',
    command: process.execPath,
    args: [programOf('control-plane')],
    core: 'load',
    env: {
      LENO_STATE_DIR: state,
      LENO_API_TOKEN_FILE: bed.write('api-token', token),
      LENO_CA_PASSPHRASE_FILE: bed.write('ca-passphrase', 'bench passphrase'),
      LENO_API_LISTEN: `127.0.0.1:${apiPort}`,
      LENO_PUSH_LISTEN: push,
    },
  });
  const line = await running.ready;
  const api = async (method: string, path: string, body?: unknown) => {
    const isText = typeof body === 'string';
    const type = isText ? 'application/yaml' : 'application/json';
    const reply = await fetch(`http://127.0.0.1:${apiPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new NotUpError(`${method} ${path}: ${reply.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const joinToken = async (service: string): Promise<string> =>
    String((await api('POST', '/v1/tokens', { namespace: 'default', service }))['token']);
  return { push, trustPin: String(line['trustPin']), api, joinToken };
}

async function startSidecar(
  bed: Bed,
  control: ControlPlane,
  options: SidecarOptions & { readonly name: string },
): Promise<Sidecar> {
  const { name } = options;
  const joinToken = await control.joinToken(name);
  const running = bed.start({
    name,
    command: process.execPath,
    args: options.isProfiled ? profiledProxy : [programOf('proxy')],
    core: options.core,
    env: {
      LENO_CONTROL_PLANE: control.push,
      LENO_SERVICE: name,
      LENO_INSTANCE: `${name}-1`,
      LENO_TRUST_PIN: control.trustPin,
      LENO_OUTBOUND_LISTEN: '127.0.0.1:0',
      LENO_INBOUND_LISTEN: '127.0.0.1:0',
      LENO_ADMIN_LISTEN: '127.0.0.1:0',
      LENO_METRICS_LISTEN: '127.0.0.1:0',
      LENO_APP: options.app,
      LENO_STATE_DIR: join(bed.directory, `${name}-state`),
      LENO_JOIN_TOKEN_FILE: bed.write(`${name}.token`, joinToken),
      ...options.env,
    },
  });
  const line = await running.ready;
  const at = (key: string): string => String(line[key]);
  return { name, running, outbound: at('outbound'), inbound: at('inbound'), admin: at('admin') };
}

/** The program that `npm install` would put on the path. */
function programOf(app: string): string {
  const manifest = join(apps, app, 'package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  const [file = ''] = Object.values(bin);
  return join(dirname(manifest), file);
}

async function untilConverged(control: ControlPlane, instanceCount: number): Promise<void> {
  const startedAtMs = performance.now();
  for (;;) {
    const { converged, instances } = await control.api('GET', '/v1/status');
    const { ready } = instances as { ready: number };
    if (converged === true && ready >= instanceCount) return;
    if (performance.now() - startedAtMs > readyTimeoutMs) {
      throw new NotUpError(
        `the mesh is not ready: ${ready} instances, converged: ${converged === true}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
