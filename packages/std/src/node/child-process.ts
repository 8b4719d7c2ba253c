/**
 * Child processes that are started, watched and stopped whole. Each leads a process group of its
 * own: Ctrl-C reaches the parent only, which then stops its children in the order it wants, and a
 * killed child takes its own children along. If the parent dies, the guardian ends what is left.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { BoundedQueue } from '../bounded-queue.ts';
import { guard, unguard } from './guardian.ts';
import { LineReader } from './line-reader.ts';
import { ProcessNotReadyError, ProcessStartError } from './process-errors.ts';

const recentLineCountMax = 200;
const logFileBytesMax = 16 * 1_048_576;
const drainAfterExitMs = 500;

/** What to run and how to watch it. */
export interface ProcessOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment of the child; default: that of this process. Undefined values are left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Both streams are appended to it, up to 16 MiB a run; what comes after is dropped. */
  readonly logFile?: string;
  /** Called with every line of both streams. */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /** Which JSON object on standard output says that the child serves. Default: one with `ready: true`. */
  readonly readyLine?: (line: Readonly<Record<string, unknown>>) => boolean;
  /** How long `ready` waits, in milliseconds. Default 30,000. */
  readonly readyTimeoutMs?: number;
}

/** How a process ended: with an exit code or by a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child that was started. */
export interface RunningProcess {
  readonly pid: number;
  /** The ready line, parsed; rejects with `ProcessNotReadyError`. Need not be awaited. */
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  /** Resolves when the child and its whole process group are gone and its output has been read. */
  readonly exited: Promise<ProcessExit>;
  /** Whether it still runs. */
  readonly running: boolean;
  /** The last 200 lines of both streams, the oldest first. */
  recentLines(): string[];
  /** SIGTERM, and SIGKILL to the whole group after `graceMs` (default 5,000). Safe to call twice. */
  stop(options?: { readonly graceMs?: number }): Promise<ProcessExit>;
  /** Sends a signal to the child alone; false if it is gone. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): boolean;
}

/** Starts a program. Throws `ProcessStartError` if there is nothing to start. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const child = spawn(options.command, [...(options.args ?? [])], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...(options.env ?? process.env) },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  child.on('error', () => undefined); // A failed start shows as a missing pid, a failed signal as false.
  const { pid } = child;
  if (pid === undefined) {
    throw new ProcessStartError(
      `cannot start ${options.command}: no such program, or it is not executable`,
    );
  }
  guard(pid);
  return new Supervised(child, pid, options);
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

class Supervised implements RunningProcess {
  readonly pid: number;
  readonly ready: Promise<Readonly<Record<string, unknown>>>;
  readonly exited: Promise<ProcessExit>;
  readonly #child: Child;
  readonly #options: ProcessOptions;
  readonly #recent = new BoundedQueue<string>(recentLineCountMax);
  #resolveReady: (line: Readonly<Record<string, unknown>>) => void = () => undefined;
  #rejectReady: (why: Error) => void = () => undefined;
  readonly #log: WriteStream | undefined;
  #logBytes = 0;
  #exit: ProcessExit | undefined;

  constructor(child: Child, pid: number, options: ProcessOptions) {
    this.#child = child;
    this.pid = pid;
    this.#options = options;
    if (options.logFile !== undefined) {
      this.#log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
      this.#log.on('error', () => undefined); // A full disk must not stop what is being watched.
    }
    this.#read(child.stdout, 'stdout');
    this.#read(child.stderr, 'stderr');
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => undefined);
    this.exited = this.#watchExit();
    this.#limitReadyTime();
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  recentLines(): string[] {
    return [...this.#recent];
  }

  async stop(options: { readonly graceMs?: number } = {}): Promise<ProcessExit> {
    if (!this.kill('SIGTERM')) return this.exited;
    const timer = setTimeout(() => this.#killGroup(), options.graceMs ?? 5_000);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    return this.running && this.#child.kill(signal);
  }

  #watchExit(): Promise<ProcessExit> {
    return new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        const exit = { code, signal };
        this.#exit = exit;
        this.#killGroup(); // What the child had started must not outlive it.
        unguard(this.pid);
        // The output ends with the last holder of the pipe, who may have left the group: do not wait long.
        const timer = setTimeout(() => resolve(exit), drainAfterExitMs);
        this.#child.once('close', () => {
          clearTimeout(timer);
          this.#log?.end();
          this.#refuseReady(`ended with ${signal ?? `code ${code}`} before it was ready`);
          resolve(exit);
        });
      });
    });
  }

  #limitReadyTime(): void {
    const timeoutMs = this.#options.readyTimeoutMs ?? 30_000;
    const timer = setTimeout(() => {
      this.#refuseReady(`was not ready after ${timeoutMs} ms`);
    }, timeoutMs);
    timer.unref();
    this.ready.finally(() => clearTimeout(timer)).catch(() => undefined);
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }

  #read(stream: Readable, name: 'stdout' | 'stderr'): void {
    const reader = new LineReader((line) => this.#takeLine(line, name));
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => reader.push(text));
    stream.on('end', () => reader.end());
    stream.on('error', () => undefined);
  }

  #takeLine(line: string, stream: 'stdout' | 'stderr'): void {
    this.#recent.pushEvicting(line);
    this.#logBytes += Buffer.byteLength(line) + 1;
    if (this.#logBytes <= logFileBytesMax) this.#log?.write(`${line}\n`);
    if (stream === 'stdout' && line.startsWith('{')) this.#tryReady(line);
    this.#options.onLine?.(line, stream);
  }

  #tryReady(line: string): void {
    const isReady = this.#options.readyLine ?? ((it) => it['ready'] === true);
    try {
      const parsed: unknown = JSON.parse(line);
      if (isObject(parsed) && isReady(parsed)) this.#resolveReady(parsed);
    } catch {
      // Some other output that happens to start with a brace.
    }
  }

  #refuseReady(why: string): void {
    const { command, args = [] } = this.#options;
    const tail = this.recentLines().slice(-10).join('\n  ');
    this.#rejectReady(
      new ProcessNotReadyError(`${[command, ...args].join(' ')} ${why}; it last said:\n  ${tail}`),
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
