/**
 * Where a run keeps what it needs: made afresh each time, private to the user. It holds keys and
 * tokens, so it is 0700, and it is emptied only if a run of the demo had made it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LenoError } from '@leno/std';
import { writeFileAtomic } from '@leno/std/node';

const pidFile = 'demo.pid';
const compileCache = 'compile-cache';

/** The directory cannot be used; the message says why and what to do. */
export class RunDirectoryError extends LenoError {
  readonly code = 'LENO_DEMO_RUN_DIRECTORY';
  readonly fault = 'mesh';
}

/** The paths of one run. */
export interface RunDirectory {
  readonly path: string;
  /** Of compiled sources; kept from run to run. */
  readonly compileCache: string;
  readonly apiTokenFile: string;
  readonly passphraseFile: string;
  /** The state of one process, made if need be. */
  stateOf(id: string): Promise<string>;
  logOf(id: string): string;
  /** Writes a file that only the user can read; gives its path. */
  write(name: string, content: string): Promise<string>;
}

/** Makes the directory afresh. Throws if another run is in it, or if it is somebody else's. */
export async function makeRunDirectory(baseDirectory: string): Promise<RunDirectory> {
  const path = resolve(baseDirectory);
  await clear(path);
  await mkdir(join(path, 'logs'), { recursive: true, mode: 0o700 });
  await writeFile(join(path, pidFile), String(process.pid), { mode: 0o600 });
  const write = async (name: string, content: string) => {
    const file = join(path, name);
    await writeFileAtomic(file, content);
    return file;
  };
  const apiTokenFile = await write('api-token', randomBytes(32).toString('base64url'));
  const passphraseFile = await write('ca-passphrase', randomBytes(32).toString('base64url'));
  return {
    path,
    compileCache: join(path, compileCache),
    apiTokenFile,
    passphraseFile,
    write,
    logOf: (id) => join(path, 'logs', `${id}.log`),
    stateOf: async (id) => {
      const state = join(path, 'state', id);
      await mkdir(state, { recursive: true, mode: 0o700 });
      return state;
    },
  };
}

async function clear(path: string): Promise<void> {
  const entries = await readdir(path).catch(() => []);
  if (entries.length === 0) return;
  if (!existsSync(join(path, pidFile))) {
    throw new RunDirectoryError(
      `${path} has files that are not the demo's: give an empty directory with --base-dir`,
    );
  }
  const pid = Number(readFileSync(join(path, pidFile), 'utf8'));
  if (isAlive(pid)) {
    throw new RunDirectoryError(
      `the demo runs already as process ${pid} in ${path}: stop it, or give another --base-dir`,
    );
  }
  const old = entries.filter((it) => it !== compileCache);
  await Promise.all(old.map((it) => rm(join(path, it), { recursive: true, force: true })));
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
