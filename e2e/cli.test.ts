/** `leno up` and `leno run` as the README shows them: two programs find each other by name. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocatePorts, type RunningProcess, startProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leno, lenoMain } from './support/leno.ts';
import { until } from './support/until.ts';

let home: string;
let up: RunningProcess;
let api: string;
const running: RunningProcess[] = [];

const env = (): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  LENO_HOME: home,
});

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'leno-cli-'));
  const [apiPort = 0, pushPort = 0] = await allocatePorts(2);
  api = `http://127.0.0.1:${apiPort}`;
  up = startProcess({
    command: process.execPath,
    args: [
      ...['--conditions=@leno/source', lenoMain, 'up'],
      ...['--api-listen', `127.0.0.1:${apiPort}`, '--push-listen', `127.0.0.1:${pushPort}`],
    ],
    env: env(),
  });
  await until(() => up.recentLines().some((line) => line.startsWith('next ')), 'up');
});

afterAll(async () => {
  await Promise.all(running.map((it) => it.stop()));
  await up?.stop();
  await rm(home, { recursive: true, force: true });
});

/** `leno run --service NAME --port N -- node echo-app.ts` */
async function runService(name: string): Promise<{ port: number; process: RunningProcess }> {
  const [port = 0] = await allocatePorts(1);
  const started = startProcess({
    command: process.execPath,
    args: [
      ...['--conditions=@leno/source', lenoMain, 'run', '--service', name, '--port', String(port)],
      ...['--', process.execPath, join(import.meta.dirname, 'support/echo-app.ts')],
    ],
    env: { ...env(), NAME: name },
  });
  running.push(started);
  return { port, process: started };
}

test('two programs started by run reach each other by name, and leave when they are told to', async () => {
  const web = await runService('web');
  const catalog = await runService('catalog');
  await until(async () => {
    const status = (await (await fetch(`${api}/v1/status`)).json()) as {
      instances: { ready: number };
    };
    return status.instances.ready === 2;
  }, 'two instances');
  // The program itself calls http://catalog/ with nothing but its environment.
  await until(async () => {
    const reply = await fetch(`http://127.0.0.1:${web.port}/__call?url=http://catalog/hello`);
    const seen = (await reply.json()) as { status: number; body: string };
    return seen.status === 200 && seen.body.includes('"service":"catalog"');
  }, 'web reaches catalog');

  const status = await leno(['status'], { LENO_HOME: home });
  expect(status.code).toBe(0);
  expect(status.stdout).toMatch(/PROXY\s+SERVICE\s+VER\s+CONFIG\s+SYNC/);
  expect(status.stdout.match(/SYNCED/g)).toHaveLength(2);

  expect(await catalog.process.stop({ graceMs: 20_000 })).toMatchObject({ code: 0 });
  const topology = await (await fetch(`${api}/v1/status`)).json();
  expect(topology).toMatchObject({ instances: { ready: 1 } });
});

test('commands name what they miss', async () => {
  const nothing = await leno(['run', '--service', 'x', '--port', '99999', '--', 'true'], {
    LENO_HOME: home,
  });
  expect(nothing.code).toBe(2);
  expect(nothing.stderr).toContain('99999');
  const file = await leno(['apply', '-f', 'absent.yaml'], { LENO_HOME: home });
  expect(file.code).toBe(2);
  expect(file.stderr).toContain('absent.yaml does not exist');
});
