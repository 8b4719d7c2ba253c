/** One real server behind a proxy of its own, and what it has noted so far. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocatePorts, type RunningProcess, startProcess } from '@leno/std/node';
import { ProxyProcess } from '../bed/proxy-process.ts';
import { RawClient } from '../bed/raw-client.ts';
import { pause } from '../bed/until.ts';
import type { BackendKind, Place } from './backend-kinds.ts';

const START_STEPS = 1_000;
const STEP_MS = 10;

export class Backend {
  readonly kind: BackendKind;
  readonly #place: Place;
  readonly #server: RunningProcess;
  readonly #proxy: ProxyProcess;

  private constructor(parts: {
    kind: BackendKind;
    place: Place;
    server: RunningProcess;
    proxy: ProxyProcess;
  }) {
    this.kind = parts.kind;
    this.#place = parts.place;
    this.#server = parts.server;
    this.#proxy = parts.proxy;
  }

  static isHere({ probe: [command, ...args] }: BackendKind): boolean {
    return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  }

  /** `named` are ports that requests may write behind the hosts of the bed. */
  static async open(kind: BackendKind, named: readonly number[]): Promise<Backend> {
    const directory = await mkdtemp(join(tmpdir(), 'leno-backend-'));
    const [port = 0] = await allocatePorts(1);
    const place = { directory, port, log: join(directory, 'seen.log') };
    appendFileSync(place.log, '');
    const { command, args, env, files = {} } = kind.launch(place);
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    const server = startProcess({ command, args, env: { ...process.env, ...env } });
    server.ready.catch(() => undefined);
    await accepting(port, server, kind.name);
    const proxy = await ProxyProcess.start({ svc: port, other: port, named });
    return new Backend({ kind, place, server, proxy });
  }

  /** What it has taken for requests, in their order. */
  get seen(): readonly string[] {
    return readFileSync(this.#place.log, 'latin1').split('\n').slice(0, -1);
  }

  /** Why it cannot be played with any more, if so. */
  get problem(): string | undefined {
    return this.#server.running ? this.#proxy.problem : `${this.kind.name} has ended`;
  }

  connect(): Promise<RawClient> {
    return RawClient.open(this.#proxy.outboundPort);
  }

  async close(): Promise<void> {
    await this.#proxy.stop();
    await this.#server.stop();
    await rm(this.#place.directory, { recursive: true, force: true });
  }
}

async function accepting(port: number, server: RunningProcess, name: string): Promise<void> {
  for (let step = 0; step < START_STEPS && server.running; step += 1) {
    if (await takes(port)) return;
    await pause(STEP_MS);
  }
  throw new Error(`${name} does not listen: ${server.recentLines().join(' | ')}`);
}

function takes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
