/**
 * The proxy of the bed: a real process, whose configuration is the last-known-good file in its state
 * directory, so that no control plane is needed. What it writes is watched: each line must be JSON,
 * in which octets of the input cannot stand unescaped.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { canonicalHash, type Resource } from '@leno/config';
import { type RunningProcess, startProcess } from '@leno/std/node';

const main = resolve(import.meta.dirname, '../../../../../apps/proxy/src/main.ts');
const NOBODY = '127.0.0.1:1';
const TICK_MS = 10;
const MIB = 1024 * 1024;

/** The limits of the bed, as the format has them. */
const bedLimits = { LENO_BODY_BYTES_MAX: String(16 * MIB), LENO_STALL_TIMEOUT_MS: '10000' };

export interface Usage {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

/** Where the upstreams are, and on which ports clients may name them. */
export interface BedPorts {
  readonly svc: number;
  readonly other: number;
  readonly named: readonly number[];
}

/** What a proxy is started with. */
export interface Launch {
  /** By name, in its state directory. */
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

export class ProxyProcess {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly #process: RunningProcess;
  readonly #directory: string;
  readonly #oddLines: readonly string[];

  private constructor(parts: {
    process: RunningProcess;
    directory: string;
    oddLines: readonly string[];
    outboundPort: number;
    inboundPort: number;
  }) {
    this.#process = parts.process;
    this.#directory = parts.directory;
    this.#oddLines = parts.oddLines;
    this.outboundPort = parts.outboundPort;
    this.inboundPort = parts.inboundPort;
  }

  /** The proxy of the HTTP corpora. */
  static start(ports: BedPorts): Promise<ProxyProcess> {
    return ProxyProcess.launch({ files: { 'config.json': lastKnownGood(viewOf(ports)) } });
  }

  /** A proxy with these files in its state directory, and these settings beside those of every bed. */
  static async launch({ files, env = {} }: Launch): Promise<ProxyProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'leno-hardening-'));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(directory, name), text, { mode: 0o600 });
    }
    const oddLines: string[] = [];
    const running = startProcess({
      command: process.execPath,
      args: ['--conditions=@leno/source', main],
      onLine: (line) => {
        if (isOdd(line)) oddLines.push(line);
      },
      env: {
        ...cleanEnv(),
        NODE_COMPILE_CACHE: join(tmpdir(), 'leno-compile-cache'),
        LENO_CONTROL_PLANE: NOBODY,
        LENO_APP: NOBODY,
        LENO_SERVICE: 'bed',
        LENO_TRUST_PIN: `sha256:${'0'.repeat(64)}`,
        LENO_OUTBOUND_LISTEN: '127.0.0.1:0',
        LENO_INBOUND_LISTEN: '127.0.0.1:0',
        LENO_ADMIN_LISTEN: '127.0.0.1:0',
        LENO_METRICS_LISTEN: '127.0.0.1:0',
        LENO_STATE_DIR: directory,
        LENO_LOG_LEVEL: 'debug',
        ...bedLimits,
        ...env,
      },
    });
    const ready = await running.ready;
    const portOf = (name: string): number => Number(String(ready[name]).split(':').at(-1));
    return new ProxyProcess({
      process: running,
      directory,
      oddLines,
      outboundPort: portOf('outbound'),
      inboundPort: portOf('inbound'),
    });
  }

  /** Why it cannot be what it should be, if so. */
  get problem(): string | undefined {
    if (!this.#process.running) return 'the proxy has ended';
    const [line] = this.#oddLines;
    return line === undefined ? undefined : `it wrote ${JSON.stringify(line.slice(0, 200))}`;
  }

  /** CPU time since its start, and memory now; from Linux' `/proc`. */
  async usage(): Promise<Usage> {
    const [stat, status] = await Promise.all(
      ['stat', 'status'].map((name) => readFile(`/proc/${this.#process.pid}/${name}`, 'latin1')),
    );
    const words = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1];
    return { cpuMs: (Number(words[11]) + Number(words[12])) * TICK_MS, rssMiB: Number(kib) / 1024 };
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process.exited;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Services whose names in the mesh are the hosts of the bed. No policy but a breaker that rests. */
function viewOf({ svc, other, named }: BedPorts): object {
  const mesh = {
    trustDomain: 'mesh.local',
    egress: 'deny',
    accessLog: { successEvery: 1, slowMs: 1_000 },
    traceRatio: 0,
    mtls: { permissive: [] },
  };
  const resources = [
    resourceOf('telemetry', 'mesh', mesh),
    ...serviceOf('svc', svc, named),
    ...serviceOf('other', other, named),
  ];
  return { epoch: 1, version: 1, digest: 'bed', savedAtMs: 0, resources };
}

/** As the proxy keeps it: a line of JSON, and its checksum. */
export function lastKnownGood(view: object): string {
  const json = JSON.stringify(view);
  return `${json}\nsha256:${createHash('sha256').update(json).digest('hex')}\n`;
}

export function serviceOf(name: string, port: number, named: readonly number[]): Resource[] {
  const full = `local/${name}`;
  const ports = [...new Set([80, ...named])].map((it) => ({ port: it, protocol: 'http' }));
  const endpoint = { id: name, address: '127.0.0.1', port, weight: 1, labels: {} };
  const endpoints = [{ ...endpoint, health: 'ready', transport: 'plain' }];
  const breaker = { consecutiveFailures: 0, requestCountMin: 1_000_000 };
  return [
    resourceOf('service', full, { namespace: 'local', name, ports }),
    resourceOf('endpoints', full, { endpoints }),
    resourceOf('trafficPolicy', full, { service: full, breaker }),
  ];
}

export function resourceOf(type: Resource['type'], name: string, body: object): Resource {
  return { type, name, version: 1, hash: canonicalHash(body), bundle: name, body };
}

function isOdd(line: string): boolean {
  try {
    JSON.parse(line);
    // Control characters, the C1 ones too, and what was no UTF-8.
    return /\p{Cc}|\ufffd/u.test(line);
  } catch {
    return true;
  }
}

/** Nothing that would configure a program of the mesh, or send it through another proxy. */
function cleanEnv(): Record<string, string | undefined> {
  const foreign = /^(LENO_|HTTPS?_PROXY|https?_proxy|NODE_OPTIONS|NODE_USE_ENV_PROXY|VITEST)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
