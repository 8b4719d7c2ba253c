/**
 * A small real mesh for one test file: a control plane, and applications with sidecars, each a
 * process of its own on loopback. Nothing in it is simulated.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { allocatePorts, type RunningProcess, startProcess } from '@leno/std/node';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const node = [process.execPath, '--conditions=@leno/source'] as const;

/** An application with its sidecar. */
export interface MeshApp {
  readonly id: string;
  readonly service: string;
  readonly version: string;
  readonly appPort: number;
  readonly sidecarEnv: Readonly<Record<string, string>>;
  app: RunningProcess;
  sidecar: RunningProcess;
  outbound: string;
  inbound: string;
  admin: string;
  metrics: string;
}

/** Which application to start. */
export interface AppOptions {
  readonly service: string;
  readonly version?: string;
  /** Unique in the mesh; by default made of service, version and a number. */
  readonly id?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface ControlPlane {
  process: RunningProcess;
  readonly api: string;
  readonly push: string;
  trustPin: string;
}

export class TestMesh {
  readonly directory: string;
  readonly apps: MeshApp[] = [];
  readonly #ports: { readonly api: number; readonly push: number };
  readonly #env: Readonly<Record<string, string>>;
  #token = '';
  #control: ControlPlane | undefined;
  #count = 0;

  constructor(
    directory: string,
    ports: { api: number; push: number },
    env: Readonly<Record<string, string>>,
  ) {
    this.directory = directory;
    this.#ports = ports;
    this.#env = env;
  }

  get control(): ControlPlane {
    if (this.#control === undefined) throw new Error('the control plane was never started');
    return this.#control;
  }

  get token(): string {
    return this.#token;
  }

  /** Starts the control plane, or starts it again on the same state and ports. */
  async startControlPlane(): Promise<void> {
    const tokenFile = join(this.directory, 'api-token');
    const passphraseFile = join(this.directory, 'ca-passphrase');
    if (this.#token === '') {
      this.#token = 'e2e-token-e2e-token-e2e-token-e2e';
      await writeFile(tokenFile, this.#token, { mode: 0o600 });
      await writeFile(passphraseFile, 'e2e passphrase', { mode: 0o600 });
    }
    const [command, ...args] = node;
    const running = startProcess({
      command,
      args: [...args, join(root, 'apps/control-plane/src/main.ts')],
      logFile: join(this.directory, 'control-plane.log'),
      env: {
        ...baseEnv(),
        LENO_STATE_DIR: join(this.directory, 'control-plane'),
        LENO_API_TOKEN_FILE: tokenFile,
        LENO_CA_PASSPHRASE_FILE: passphraseFile,
        LENO_API_LISTEN: `127.0.0.1:${this.#ports.api}`,
        LENO_PUSH_LISTEN: `127.0.0.1:${this.#ports.push}`,
        ...this.#env,
      },
    });
    const line = await running.ready;
    this.#control = {
      process: running,
      api: `http://127.0.0.1:${this.#ports.api}`,
      push: `127.0.0.1:${this.#ports.push}`,
      trustPin: String(line['trustPin']),
    };
  }

  /** Starts an application and its sidecar; both are up when this resolves. */
  async addApp(options: AppOptions): Promise<MeshApp> {
    const { service, version = 'v1' } = options;
    this.#count += 1;
    const id = options.id ?? `${service}-${version}-${this.#count}`;
    const [appPort = 0] = await allocatePorts(1);
    const app = this.startApp({ id, service, version, appPort });
    await app.ready;
    const sidecarEnv = {
      LENO_CONTROL_PLANE: this.control.push,
      LENO_SERVICE: service,
      LENO_VERSION: version,
      LENO_INSTANCE: id,
      LENO_TRUST_PIN: this.control.trustPin,
      LENO_OUTBOUND_LISTEN: '127.0.0.1:0',
      LENO_INBOUND_LISTEN: '127.0.0.1:0',
      LENO_ADMIN_LISTEN: '127.0.0.1:0',
      LENO_METRICS_LISTEN: '127.0.0.1:0',
      LENO_APP: `127.0.0.1:${appPort}`,
      LENO_STATE_DIR: join(this.directory, id),
      LENO_JOIN_TOKEN_FILE: await this.joinToken(service, id),
      ...options.env,
    };
    const sidecar = this.startSidecar(id, sidecarEnv);
    const entry: MeshApp = {
      id,
      service,
      version,
      appPort,
      sidecarEnv,
      app,
      sidecar,
      ...(await listening(sidecar)),
    };
    this.apps.push(entry);
    return entry;
  }

  /** Starts the sidecar of `entry` again, on the ports that it had before. */
  async restartSidecar(entry: MeshApp): Promise<void> {
    const sidecar = this.startSidecar(entry.id, {
      ...entry.sidecarEnv,
      LENO_OUTBOUND_LISTEN: entry.outbound,
      LENO_INBOUND_LISTEN: entry.inbound,
      LENO_ADMIN_LISTEN: entry.admin,
      LENO_METRICS_LISTEN: entry.metrics,
    });
    entry.sidecar = sidecar;
    await listening(sidecar);
  }

  startApp(app: { id: string; service: string; version: string; appPort: number }): RunningProcess {
    const [command, ...args] = node;
    return startProcess({
      command,
      args: [...args, join(import.meta.dirname, 'echo-app.ts')],
      logFile: join(this.directory, `${app.id}.app.log`),
      env: {
        ...baseEnv(),
        PORT: String(app.appPort),
        NAME: app.service,
        VERSION: app.version,
        INSTANCE: app.id,
      },
    });
  }

  startSidecar(id: string, env: Readonly<Record<string, string>>): RunningProcess {
    const [command, ...args] = node;
    return startProcess({
      command,
      args: [...args, join(root, 'apps/proxy/src/main.ts')],
      logFile: join(this.directory, `${id}.sidecar.log`),
      env: { ...baseEnv(), ...env },
    });
  }

  /** Asks for a join token and writes it where a sidecar can read it. */
  async joinToken(service: string, id: string): Promise<string> {
    const reply = await this.api('POST', '/v1/tokens', { namespace: 'default', service });
    const file = join(this.directory, `${id}.token`);
    await writeFile(file, String(reply['token']), { mode: 0o600 });
    return file;
  }

  /** Calls the API; throws with the body for any status of 400 or more. */
  async api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await fetch(`${this.control.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json',
      },
      ...(body === undefined ? {} : { body: text }),
    });
    const json = (await reply.json()) as Record<string, unknown>;
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(json)}`);
    return json;
  }

  /** Applies YAML and waits until every proxy runs it. */
  async apply(yaml: string): Promise<Record<string, unknown>> {
    return this.api('POST', '/v1/apply?wait=10s', yaml);
  }

  /** Waits until `count` instances of the service are endpoints in every proxy. */
  async ready(): Promise<void> {
    await until(async () => {
      const { proxies, converged, instances } = await this.api('GET', '/v1/status');
      const counts = proxies as { connected: number };
      const { ready } = instances as { ready: number };
      return (
        converged === true && counts.connected >= this.apps.length && ready >= this.apps.length
      );
    }, 'every proxy connected, every instance ready, all converged');
  }

  /** The requests that an application itself has counted. */
  async counts(entry: MeshApp): Promise<{ total: number; byPath: Record<string, number> }> {
    const reply = await fetch(`http://127.0.0.1:${entry.appPort}/__counts`);
    return (await reply.json()) as { total: number; byPath: Record<string, number> };
  }

  /** The requests that all applications of a service have counted. */
  async totalOf(service: string): Promise<number> {
    const entries = this.apps.filter((it) => it.service === service);
    const counts = await Promise.all(entries.map((it) => this.counts(it)));
    return counts.reduce((sum, it) => sum + it.total, 0);
  }

  /** Tries beyond the first that a sidecar has sent, by its own counter. */
  async retriesOf(entry: MeshApp): Promise<number> {
    const text = String(await this.admin(entry, '/metrics'));
    const lines = text.split('\n').filter((it) => /^leno_retries_total\{.*result="sent"/.test(it));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  /** Makes an application fail, hang or be slow, until it is told otherwise. */
  async knobs(entry: MeshApp, knobs: Readonly<Record<string, unknown>>): Promise<void> {
    await fetch(`http://127.0.0.1:${entry.appPort}/__knobs`, {
      method: 'POST',
      body: JSON.stringify(knobs),
    });
  }

  /** A page of a sidecar's admin interface. */
  async admin(entry: MeshApp, path: string): Promise<unknown> {
    const reply = await fetch(`http://${entry.admin}${path}`);
    const text = await reply.text();
    return path === '/metrics' ? text : JSON.parse(text);
  }

  async stop(): Promise<void> {
    const running = this.apps.flatMap((entry) => [entry.app, entry.sidecar]);
    await Promise.all(running.map((it) => it.stop({ graceMs: 1_000 })));
    await this.#control?.process.stop({ graceMs: 2_000 });
    if (process.env['LENO_E2E_KEEP'] === undefined) {
      await rm(this.directory, { recursive: true, force: true });
    }
  }

  /** The log of a program, for a failing test to show. */
  async log(name: string): Promise<string> {
    return readFile(join(this.directory, `${name}.log`), 'utf8').catch(() => '');
  }
}

/** Starts a control plane and the services every test wants: call `stop` in `afterAll`. */
export async function startMesh(
  apps: readonly AppOptions[],
  env: Readonly<Record<string, string>> = {},
): Promise<TestMesh> {
  const directory = await mkdtemp(join(tmpdir(), 'leno-e2e-'));
  await mkdir(join(directory, 'control-plane'), { mode: 0o700 });
  const [api = 0, push = 0] = await allocatePorts(2);
  const mesh = new TestMesh(directory, { api, push }, env);
  await mesh.startControlPlane();
  await Promise.all(apps.map((options) => mesh.addApp(options)));
  return mesh;
}

async function listening(
  sidecar: RunningProcess,
): Promise<Pick<MeshApp, 'outbound' | 'inbound' | 'admin' | 'metrics'>> {
  const line = await sidecar.ready;
  const at = (name: string): string => String(line[name]);
  return {
    outbound: at('outbound'),
    inbound: at('inbound'),
    admin: at('admin'),
    metrics: at('metrics'),
  };
}

/** The environment of this process without anything that would configure a program of the mesh. */
function baseEnv(): Record<string, string | undefined> {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(LENO_|HTTPS?_PROXY|https?_proxy|NODE_OPTIONS|NODE_USE_ENV_PROXY|VITEST)/.test(name),
  );
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: join(tmpdir(), 'leno-compile-cache') };
}
