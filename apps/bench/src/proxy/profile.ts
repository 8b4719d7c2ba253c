/**
 * `pnpm bench proxy --profile`: where the time of our hop and our pair goes. `perf` samples kernel, native
 * code and compiled JavaScript alike; `strace` counts system calls in a run of its own, since it slows
 * what it watches. The proxies run from their sources, so that a function shows its file.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Bed, makeBed } from './bed.ts';
import { Lineup } from './lineup.ts';
import { type LoadKind, runLoad } from './load.ts';
import { usageOf } from './process-stat.ts';
import {
  parseSamples,
  parseSystemCalls,
  type Sample,
  sharesOf,
  topSymbols,
} from './profile-parts.ts';
import type { Programs } from './programs.ts';
import type { Subject } from './subject.ts';
import { startUpstreams } from './upstream.ts';

const run = promisify(execFile);
const durationS = 5;
const cases = [
  { name: 'leno hop', what: { kind: 'get', path: '/1k' } },
  { name: 'leno pair', what: { kind: 'get', path: '/1k' } },
  { name: 'leno pair', what: { kind: 'get', path: '/64k' } },
  { name: 'leno pair', what: { kind: 'post', path: '/post', bodyBytes: 16_384 } },
] as const;

/** Runs the profiles of the cases whose name or path holds `only`; gives what is to be printed. */
export async function profileProxy(
  programs: Programs,
  only: string,
  say: (line: string) => void,
): Promise<string> {
  const bed = await makeBed(programs);
  const pids: number[] = [];
  try {
    const lineup = new Lineup(bed, await startUpstreams(bed), { isProfiled: true });
    const blocks: string[] = [];
    for (const { name, what } of cases) {
      const title = `${name}, ${what.path}`;
      if (!title.includes(only)) continue;
      say(`profiling ${title}`);
      const subject = await lineup.subject(name);
      if (subject === undefined) continue;
      pids.push(...subject.groups);
      blocks.push(await profileOf(bed, subject, { title, what }));
    }
    (await lineup.startedMesh)?.stop();
    return blocks.join('\n\n');
  } finally {
    await bed.end();
    for (const pid of pids) rmSync(join(tmpdir(), `perf-${pid}.map`), { force: true });
  }
}

async function profileOf(
  bed: Bed,
  subject: Subject,
  { title, what }: { readonly title: string; readonly what: LoadKind },
): Promise<string> {
  const { programs } = bed;
  const load = () =>
    runLoad({ programs, core: bed.loadCore, directory: bed.directory }, subject.target, {
      what,
      connectionCount: 64,
      durationS,
    });
  await load();
  const before = usageOf(subject.groups);
  const requestCount = await load();
  const after = usageOf(subject.groups);
  const cpuUs = (after.cpuUs - before.cpuUs) / requestCount;
  const systemUs = (after.systemUs - before.systemUs) / requestCount;
  const head = `── ${title}: ${cpuUs.toFixed(1)} µs a request, ${systemUs.toFixed(1)} of it in the kernel`;
  return [
    head,
    ...(await sampled(bed, subject, load)),
    ...(await counted(bed, subject, load)),
  ].join('\n');
}

async function sampled(
  bed: Bed,
  subject: Subject,
  load: () => Promise<number>,
): Promise<readonly string[]> {
  const { perf } = bed.programs;
  if (perf === undefined) return ['perf: absent'];
  const file = join(bed.directory, 'perf.data');
  const args = ['record', '-q', '-F', '999', '-o', file, '-p', subject.groups.join(',')];
  await beside(perf, args, load);
  const { stdout } = await run(perf, ['script', '-i', file, '-F', 'ip,sym,dso'], {
    maxBuffer: 1 << 28,
  });
  const samples = parseSamples(stdout);
  return [
    `${samples.length} samples`,
    ...sharesOf(samples).map(([part, share]) => line(share, part)),
    'most often met:',
    ...linesOf(samples),
  ];
}

function linesOf(samples: readonly Sample[]): readonly string[] {
  return topSymbols(samples, 25).map(([symbol, share]) => line(share, symbol));
}

function line(share: number, what: string): string {
  return `${(share * 100).toFixed(1).padStart(6)} %  ${what}`;
}

async function counted(
  bed: Bed,
  subject: Subject,
  load: () => Promise<number>,
): Promise<readonly string[]> {
  const { strace } = bed.programs;
  if (strace === undefined) return ['strace: absent'];
  const file = join(bed.directory, 'strace.txt');
  const processes = subject.groups.flatMap((pid) => ['-p', String(pid)]);
  const requestCount = await beside(strace, ['-c', '-f', '-o', file, ...processes], load);
  const calls = [...parseSystemCalls(readFileSync(file, 'utf8'))];
  const each = calls
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, 8)
    .map(([name, count]) => `${name} ${(count / requestCount).toFixed(2)}`);
  return [`system calls a request, watched by strace: ${each.join(', ')}`];
}

/** Runs a load while a program watches; the program is ended by SIGINT, as by Ctrl-C. */
async function beside(
  program: NonNullable<Programs['perf']>,
  args: readonly string[],
  load: () => Promise<number>,
): Promise<number> {
  const watcher = spawn(program, args, { stdio: 'ignore' });
  const ended = once(watcher, 'exit');
  try {
    return await load();
  } finally {
    watcher.kill('SIGINT');
    await ended;
  }
}
