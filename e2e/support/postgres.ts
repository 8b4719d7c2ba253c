/** A real PostgreSQL for one test file, if there is one on this machine. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocatePorts } from '@leno/std/node';
import { until } from './until.ts';

const home = '/usr/lib/postgresql';

/** Where its programs are; undefined if it is not installed. */
export const postgresPath = existsSync(home)
  ? readdirSync(home)
      .map((version) => join(home, version, 'bin'))
      .find((directory) => existsSync(join(directory, 'postgres')))
  : undefined;

/** A server that takes connections. */
export interface Postgres {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts one on loopback that trusts everybody, with nothing in it. Never as root, which it refuses. */
export async function startPostgres(programs: string): Promise<Postgres> {
  const [port = 0] = await allocatePorts(1);
  const directory = mkdtempSync(join(tmpdir(), 'leno-postgres-'));
  const user = process.getuid?.() === 0 ? unprivileged() : undefined;
  if (user !== undefined) chownSync(directory, user.uid, user.gid);
  const at = { ...user, cwd: directory };
  const cluster = join(directory, 'cluster');
  const create = ['-D', cluster, '-U', 'postgres', '-A', 'trust', '--no-sync', '--locale=C'];
  execFileSync(join(programs, 'initdb'), create, { ...at, stdio: 'ignore' });
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', cluster, '-k', directory, '-h', '127.0.0.1', '-p', String(port), '-F'],
    { ...at, stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  await until(() => answers(programs, port, server), 'PostgreSQL takes connections');
  return {
    port,
    stop: async () => {
      // Fast shutdown: it does not wait for its clients.
      server.kill('SIGINT');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function answers(programs: string, port: number, server: ChildProcess): boolean {
  if (server.exitCode !== null) throw new Error(`PostgreSQL went away with ${server.exitCode}`);
  execFileSync(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  return true;
}

/** The user that the package has made. */
function unprivileged(): { uid: number; gid: number } {
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
