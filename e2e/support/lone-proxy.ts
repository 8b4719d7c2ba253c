/** A proxy without a mesh: enough where only its listeners matter. */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type RunningProcess, smallProcess, startProcess } from '@leno/std/node';
import { memoryOf } from './process-figures.ts';

const folder = resolve(import.meta.dirname, '../../apps/proxy');
const source = ['--conditions=@leno/source', `${folder}/src/main.ts`];
/** The program as users start it: the one file that the build makes. */
const built = [...smallProcess.args, `${folder}/dist/leno-proxy.js`];

export class LoneProxy {
  readonly process: RunningProcess;
  readonly #directory: string;
  readonly #addresses: Readonly<Record<string, unknown>>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #sockets: Socket[] = [];

  constructor(
    running: RunningProcess,
    directory: string,
    addresses: Readonly<Record<string, unknown>>,
  ) {
    this.process = running;
    this.#directory = directory;
    this.#addresses = addresses;
  }

  /** A connection to `outbound`, `inbound`, `admin` or `metrics`, once it stands or has failed. */
  dial(listener: string): Promise<Socket> {
    const [host = '', port = ''] = String(this.#addresses[listener]).split(':');
    const socket = connect(Number(port), host);
    this.#sockets.push(socket);
    socket.resume();
    return new Promise((done) => {
      socket.once('connect', () => done(socket));
      socket.on('error', () => done(socket));
    });
  }

  /** So many of them, one after the other. */
  async dialMany(listener: string, count: number): Promise<Socket[]> {
    const sockets: Socket[] = [];
    while (sockets.length < count) sockets.push(await this.dial(listener));
    return sockets;
  }

  /** The value of a series as `/metrics` has it, over one connection that stays; 0 if it is not there. */
  async metric(series: string): Promise<number> {
    const text = await this.#page('/metrics');
    const line = text.split('\n').find((it) => it.startsWith(`${series} `));
    return Number(line?.split(' ').at(-1) ?? 0);
  }

  async rssKiB(): Promise<number> {
    return (await memoryOf(this.process.pid)).rssBytes / 1024;
  }

  #page(path: string): Promise<string> {
    const [host, port] = String(this.#addresses['admin']).split(':');
    return new Promise((done, failed) => {
      const request = get({ host, port, path, agent: this.#agent }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => (text += chunk));
        incoming.on('end', () => done(text));
      });
      request.on('error', failed);
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#agent.destroy();
    await this.process.stop({ graceMs: 1_000 });
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Starts one; with `descriptorCountMax`, it may have no more of them. */
export async function startLoneProxy(
  env: Readonly<Record<string, string>> = {},
  { descriptorCountMax, isBuilt = false }: { descriptorCountMax?: number; isBuilt?: boolean } = {},
): Promise<LoneProxy> {
  const directory = await mkdtemp(join(tmpdir(), 'leno-e2e-lone-'));
  const program = [process.execPath, ...(isBuilt ? built : source)];
  const limited = ['-c', `ulimit -n ${descriptorCountMax}; exec "$0" "$@"`, ...program];
  const [command = '', ...args] =
    descriptorCountMax === undefined ? program : ['/bin/sh', ...limited];
  const running = startProcess({
    command,
    args,
    env: {
      ...(isBuilt ? smallProcess.env : {}),
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(tmpdir(), 'leno-compile-cache'),
      LENO_CONTROL_PLANE: '127.0.0.1:1',
      LENO_SERVICE: 'lone',
      LENO_TRUST_PIN: `sha256:${'a'.repeat(64)}`,
      LENO_OUTBOUND_LISTEN: '127.0.0.1:0',
      LENO_INBOUND_LISTEN: '127.0.0.1:0',
      LENO_ADMIN_LISTEN: '127.0.0.1:0',
      LENO_METRICS_LISTEN: '127.0.0.1:0',
      LENO_STATE_DIR: directory,
      ...env,
    },
  });
  return new LoneProxy(running, directory, await running.ready);
}
