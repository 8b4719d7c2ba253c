import { readFileSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ProcessOptions, startProcess } from './child-process.ts';
import { ProcessNotReadyError, ProcessStartError } from './process-errors.ts';

/** Runs a piece of JavaScript in a child. */
function run(script: string, options: Partial<ProcessOptions> = {}) {
  return startProcess({ command: process.execPath, args: ['-e', script], ...options });
}

function isAlive(pid: number): boolean {
  try {
    // A zombie is dead: who adopted it may take its time to collect it.
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Resolves when the process is gone; the test's own timeout is the deadline. */
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

const forever = 'setInterval(() => {}, 1e9);';
const sayReady = 'console.log(JSON.stringify({ready: true, port: 7}));';
const startGrandchild = `
  const child = require('child_process').spawn('sleep', ['1000']);
  console.log(JSON.stringify({ready: true, pid: child.pid}));`;

test('gives the ready line, and stops on SIGTERM', async () => {
  const child = run(`console.log('{oops'); ${sayReady} ${forever}`);
  expect(await child.ready).toEqual({ ready: true, port: 7 });
  expect(await child.stop()).toEqual({ code: null, signal: 'SIGTERM' });
  expect(child.running).toBe(false);
  expect(child.kill()).toBe(false);
});

test('a child that ends first is not ready, and its last words are in the error', async () => {
  const child = run("console.error('the port is taken'); process.exit(3)");
  const failure = await child.ready.catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(ProcessNotReadyError);
  expect(String(failure)).toMatch(/ended with code 3 .*\n {2}the port is taken/);
  expect(await child.exited).toEqual({ code: 3, signal: null });
});

test('a child that says nothing is not ready in time', async () => {
  const child = run(forever, { readyTimeoutMs: 50 });
  await expect(child.ready).rejects.toThrow('was not ready after 50 ms');
  await child.stop();
});

test('a child that ignores SIGTERM is killed after the grace, and its children with it', async () => {
  const child = run(`process.on('SIGTERM', () => {}); ${startGrandchild} ${forever}`);
  const grandchild = Number((await child.ready)['pid']);
  expect(await child.stop({ graceMs: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
  await untilGone(grandchild);
});

test('what a child leaves behind when it ends is killed', async () => {
  const child = run(`${startGrandchild} child.unref(); process.exit(0)`);
  const grandchild = Number((await child.ready)['pid']);
  await child.exited;
  await untilGone(grandchild);
});

test('children die with a parent that is killed', async () => {
  const module = new URL('./child-process.ts', import.meta.url).href;
  const parent = startProcess({
    command: process.execPath,
    args: [
      '--conditions=@leno/source',
      '--input-type=module',
      '-e',
      `import { startProcess } from '${module}';
       const early = startProcess({ command: 'sleep', args: ['0'] });
       const one = startProcess({ command: 'sleep', args: ['1000'] });
       const two = startProcess({ command: 'sleep', args: ['1000'] });
       await early.exited;
       console.log(JSON.stringify({ ready: true, pids: [one.pid, two.pid] }));`,
    ],
  });
  const pids = (await parent.ready)['pids'] as number[];
  expect(pids.map(isAlive)).toEqual([true, true]);
  parent.kill('SIGKILL');
  await parent.exited;
  for (const pid of pids) await untilGone(pid);
});

test('keeps the last 200 lines, and all in the file, of both streams', async () => {
  const logFile = join(await mkdtemp(join(tmpdir(), 'leno-std-')), 'child.log');
  const seen: string[] = [];
  const child = run("for (let i = 0; i < 300; i++) console.log(i); console.error('last')", {
    logFile,
    onLine: (line, stream) => seen.push(`${stream} ${line}`),
  });
  await child.exited;
  expect(child.recentLines()).toHaveLength(200);
  expect(seen).toHaveLength(301);
  expect(seen).toContain('stderr last');
  await expect.poll(() => readFile(logFile, 'utf8')).toMatch(/299\n/);
});

test('what does not exist cannot be started', () => {
  expect(() => startProcess({ command: '/no/such/program' })).toThrow(ProcessStartError);
});
