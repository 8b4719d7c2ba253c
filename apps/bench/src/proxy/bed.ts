/**
 * What all subjects of a run share: a directory, where processes run, and what has to be ended. The
 * proxies have the first core to themselves; load, upstream and everything else share the second.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { LenoError } from '@leno/std';
import { type RunningProcess, startProcess } from '@leno/std/node';
import { makeCertificates } from './certificates.ts';
import { programEnvironment } from './env.ts';
import type { Programs } from './programs.ts';

const upTimeoutMs = 20_000;

/** A program did not come up; the message has its last words. */
export class NotUpError extends LenoError {
  readonly code = 'LENO_BENCH_NOT_UP';
  readonly fault = 'mesh';
}

/** What to start. */
export interface ProgramOptions {
  /** Unique in the run; names its log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs. `both` leaves it to the system. */
  readonly core: 'proxy' | 'load' | 'both';
}

export class Bed {
  readonly programs: Programs;
  readonly directory: string;
  readonly loadCore: number;
  readonly #processes: RunningProcess[] = [];

  constructor(programs: Programs, directory: string) {
    this.programs = programs;
    this.directory = directory;
    this.loadCore = availableParallelism() > 1 ? 1 : 0;
    // The certificates in it are worth nothing, but nobody else would ever clear it away.
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  }

  /** Starts a program on its core. */
  start(options: ProgramOptions): RunningProcess {
    const core = options.core === 'proxy' ? 0 : this.loadCore;
    const pin = options.core === 'both' ? [] : ['-c', String(core)];
    const [command, args] =
      pin.length === 0
        ? [options.command, options.args]
        : [this.programs.taskset, [...pin, options.command, ...options.args]];
    const running = startProcess({
      command,
      args,
      env: { ...programEnvironment(), ...options.env },
      logFile: this.logOf(options.name),
    });
    this.#processes.push(running);
    return running;
  }

  /** The file that has what a program has said. */
  logOf(name: string): string {
    return join(this.directory, `${name}.log`);
  }

  /** Writes a file below the directory of the run; gives its path. */
  write(name: string, content: string | Uint8Array): string {
    const file = join(this.directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  /** Ends all programs, the last started first, and removes the directory. */
  async end(): Promise<void> {
    for (const running of this.#processes.toReversed()) await running.stop({ graceMs: 2_000 });
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Makes the directory of a run with certificates and files in it, and takes this process out of the way. */
export async function makeBed(programs: Programs): Promise<Bed> {
  const bed = new Bed(programs, await mkdtemp(join(tmpdir(), 'leno-bench-')));
  execFileSync(programs.taskset, ['-a', '-c', '-p', String(bed.loadCore), String(process.pid)], {
    stdio: 'ignore',
  });
  mkdirSync(join(bed.directory, 'files'));
  bed.write('files/1k', 'x'.repeat(1_024));
  bed.write('files/64k', 'x'.repeat(65_536));
  const { root, client, server } = makeCertificates();
  bed.write('ca.pem', root);
  bed.write('client.pem', client);
  bed.write('server.pem', server);
  return bed;
}

/** Waits until somebody accepts connections on the port. Throws `NotUpError` after 20 s. */
export async function untilAccepting(port: number, running: RunningProcess): Promise<void> {
  const startedAtMs = performance.now();
  while (!(await accepts(port))) {
    if (!running.running || performance.now() - startedAtMs > upTimeoutMs) {
      throw new NotUpError(`nobody listens on ${port}: ${running.recentLines().join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
