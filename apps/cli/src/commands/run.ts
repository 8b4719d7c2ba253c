import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunningProcess, smallProcess, startProcess, writeFileAtomic } from '@leno/std/node';
import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { CheckFailedError, UsageError } from '../cli-error.ts';
import { homeDirectory, inheritedEnv, readContext } from '../env.ts';
import { programOf } from '../programs.ts';
import { nextSignal } from '../signals.ts';

interface RunOptions {
  readonly service: string;
  readonly port: string;
  readonly namespace: string;
  readonly version: string;
  readonly inboundListen: string;
  readonly outboundListen: string;
}

interface JoinToken {
  readonly token: string;
  readonly trustPin: string;
  readonly push: string;
}

/**
 * `leno run`: sidecar first, then the program, so that its first call already finds the mesh; at the
 * end the sidecar leaves and drains before the program is told to stop.
 */
export async function run(
  commandLine: readonly string[],
  options: RunOptions,
  command: Command,
): Promise<void> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new UsageError(`--port ${options.port} is not a port from 1 to 65535`);
  }
  const [program, ...args] = commandLine;
  if (program === undefined) throw new UsageError('say what to run after --');
  const client = new ApiClient(await readContext(command.optsWithGlobals()));
  const sidecar = await startSidecar(client, options, port);
  const ready = await sidecar.ready.catch(async () => {
    const { code } = await sidecar.exited;
    throw new CheckFailedError(`the sidecar did not start (exit code ${code}); see above`);
  });
  const outbound = `http://${String(ready['outbound'])}`;
  const app = startProcess({
    command: program,
    args,
    env: {
      ...inheritedEnv(),
      PORT: String(port),
      HTTP_PROXY: outbound,
      http_proxy: outbound,
      NO_PROXY: 'localhost,127.0.0.1,::1',
      NODE_USE_ENV_PROXY: '1',
    },
    onLine: (line, stream) => {
      (stream === 'stderr' ? process.stderr : process.stdout).write(`${line}\n`);
    },
  });
  await Promise.race([nextSignal(), app.exited, sidecar.exited]);
  await sidecar.stop({ graceMs: 35_000 });
  const { code } = await app.stop({ graceMs: 10_000 });
  process.exitCode = code ?? 1;
}

async function startSidecar(
  client: ApiClient,
  options: RunOptions,
  port: number,
): Promise<RunningProcess> {
  const { namespace, service, version } = options;
  const granted = (await client.call('/v1/tokens', {
    method: 'POST',
    authorized: true,
    body: JSON.stringify({ namespace, service }),
    headers: { 'content-type': 'application/json' },
  })) as JoinToken;
  const parent = join(homeDirectory(), 'run');
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(parent, `${service}-`));
  const tokenFile = join(directory, 'join-token');
  await writeFileAtomic(tokenFile, `${granted.token}\n`);
  return startProcess({
    ...programOf('proxy'),
    env: {
      ...smallProcess.env,
      ...inheritedEnv(),
      LENO_CONTROL_PLANE: granted.push
        .replace(/^wss:\/\/|\/.*$/g, '')
        .replace('0.0.0.0', '127.0.0.1'),
      LENO_SERVICE: service,
      LENO_NAMESPACE: namespace,
      LENO_VERSION: version,
      LENO_JOIN_TOKEN_FILE: tokenFile,
      LENO_TRUST_PIN: granted.trustPin,
      LENO_OUTBOUND_LISTEN: options.outboundListen,
      LENO_INBOUND_LISTEN: options.inboundListen,
      LENO_ADMIN_LISTEN: '127.0.0.1:0',
      LENO_METRICS_LISTEN: '127.0.0.1:0',
      LENO_APP: `127.0.0.1:${port}`,
      LENO_STATE_DIR: directory,
    },
    onLine: (line, stream) => {
      if (stream === 'stderr') process.stderr.write(`${line}\n`);
    },
  });
}
