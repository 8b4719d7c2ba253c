import { randomBytes } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startProcess, writeFileAtomic } from '@leno/std/node';
import { CheckFailedError } from '../cli-error.ts';
import { forgetContext, homeDirectory, inheritedEnv, storeContext } from '../env.ts';
import { programOf } from '../programs.ts';
import { untilStopped } from '../signals.ts';

interface UpOptions {
  readonly demo?: boolean;
  readonly dir?: string;
  readonly apiListen: string;
  readonly pushListen: string;
}

/** `leno up`: a control plane in the foreground, with its secrets made on the first run. */
export async function up(options: UpOptions): Promise<void> {
  if (options.demo === true) return runDemo();
  const directory = resolve(options.dir ?? homeDirectory());
  const tokenFile = join(directory, 'api-token');
  const passphraseFile = join(directory, 'ca-passphrase');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await makeSecret(tokenFile);
  await makeSecret(passphraseFile);
  const running = startProcess({
    ...programOf('control-plane'),
    env: {
      ...inheritedEnv(),
      LENO_STATE_DIR: join(directory, 'control-plane'),
      LENO_API_TOKEN_FILE: tokenFile,
      LENO_CA_PASSPHRASE_FILE: passphraseFile,
      LENO_API_LISTEN: options.apiListen,
      LENO_PUSH_LISTEN: options.pushListen,
    },
    onLine: (line, stream) => {
      if (stream === 'stderr') process.stderr.write(`${line}\n`);
    },
  });
  const ready = await running.ready.catch(async () => {
    const { code } = await running.exited;
    throw new CheckFailedError(`the control plane did not start (exit code ${code}); see above`);
  });
  const api = `http://${String(ready['api'])}`;
  await storeContext({ api, tokenFile });
  process.stdout.write(
    `dashboard  ${api}/\npush       ${String(ready['push'])}\ntrust pin  ${String(ready['trustPin'])}\n` +
      'next       leno run --service NAME --port N -- COMMAND\n',
  );
  await untilStopped(running);
  await forgetContext();
}

async function runDemo(): Promise<void> {
  const running = startProcess({
    ...programOf('demo'),
    env: inheritedEnv(),
    onLine: (line, stream) => {
      (stream === 'stderr' ? process.stderr : process.stdout).write(`${line}\n`);
    },
  });
  await untilStopped(running);
}

/** Writes a random secret, readable by this user alone, unless the file is there. */
async function makeSecret(file: string): Promise<void> {
  const present = await access(file).then(
    () => true,
    () => false,
  );
  if (!present) await writeFileAtomic(file, `${randomBytes(32).toString('base64url')}\n`);
}
