import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@leno/std';
import { guard, smallProcess, unguard } from '@leno/std/node';
import { LineRelay } from './line-relay.ts';
import type { WorkerMessage } from './protocol.ts';
import type { SpawnWorker } from './remote-worker.ts';

/**
 * Starts a worker as a process of its own group, so that a signal meant for the proxy reaches the
 * supervisor alone. It ends with the supervisor however that ends: by itself when the channel breaks,
 * and by the guardian if it cannot. What it logs comes through here line by line, for lines of
 * several writers of one pipe would get into each other.
 */
export const forkWorker: SpawnWorker = (_index, on) => {
  const child = fork(workerMain(), {
    // What this process was started with comes last, and so it counts.
    execArgv: [...smallProcess.args, ...process.execArgv],
    serialization: 'advanced',
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const { pid } = child;
  if (pid !== undefined) guard(pid);
  relayLog(child);
  let hasEnded = false;
  const ended = (how: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    if (pid !== undefined) unguard(pid);
    on.ended(how);
  };
  child.on('message', (message) => on.message(message as WorkerMessage));
  child.on('error', (error) => {
    if (child.exitCode === null && child.pid === undefined) ended(messageOf(error));
  });
  // Not `exit`: what it has logged is read by then.
  child.on('close', (code, signal) => ended(`has ended with ${signal ?? `code ${code}`}`));
  return {
    pid,
    // To one that is going: its end is told by `exit`.
    send: (message) => void (child.connected && child.send(message, () => undefined)),
    kill: () => void child.kill('SIGKILL'),
  };
};

/** Beside this where the build has put each program into a file, else where it stands as source. */
function workerMain(): string {
  const built = fileURLToPath(new URL('leno-worker.js', import.meta.url));
  if (existsSync(built)) return built;
  const main = new URL(`../worker-main${extname(import.meta.filename)}`, import.meta.url);
  return fileURLToPath(main);
}

function relayLog(child: ChildProcess): void {
  const relay = new LineRelay((lines) => void process.stderr.write(lines));
  child.stderr?.on('data', (chunk: Buffer) => relay.push(chunk));
  child.stderr?.on('end', () => relay.end());
  child.stderr?.on('error', () => undefined);
}
