/** Subjects that are scripts of this directory: what npm has, and the floor. */
import { allocatePorts, type RunningProcess } from '@leno/std/node';
import { type Bed, untilAccepting } from './bed.ts';
import type { Subject } from './subject.ts';

function pathOf(name: string): string {
  return new URL(name, import.meta.url).pathname;
}

async function startScript(
  bed: Bed,
  script: string,
  rest: readonly string[],
): Promise<{ running: RunningProcess; port: number }> {
  const [port = 0] = await allocatePorts(1);
  const name = `${script.replaceAll(/\W/g, '-')}-${port}`;
  const args = [pathOf(script), String(port), ...rest];
  const running = bed.start({ name, command: process.execPath, args, core: 'proxy' });
  await untilAccepting(port, running);
  return { running, port };
}

function subjectOf(
  name: string,
  parts: readonly { running: RunningProcess; port: number }[],
): Subject {
  const target = { address: `127.0.0.1:${parts[0]?.port ?? 0}`, authority: 'bench' };
  const groups = parts.map(({ running }) => running.pid);
  return { name, target, groups, isCompiling: true };
}

/** Client → http-proxy-3 → upstream. */
export async function startNodeProxy(bed: Bed, upstream: number): Promise<Subject> {
  const part = await startScript(bed, 'peers/node-proxy-main.ts', [String(upstream)]);
  return subjectOf('http-proxy-3', [part]);
}

/** A socket that answers by itself. */
export async function startBareEcho(bed: Bed): Promise<Subject> {
  return subjectOf('bare echo', [await startScript(bed, 'floor-main.ts', ['0'])]);
}

/** A relay of bytes in front of a socket that answers. */
export async function startBarePair(bed: Bed): Promise<Subject> {
  const far = await startScript(bed, 'floor-main.ts', ['0']);
  const near = await startScript(bed, 'floor-main.ts', [String(far.port)]);
  return subjectOf('bare echo pair', [near, far]);
}

/** The same with mTLS in the middle. */
export async function startBareTlsPair(bed: Bed): Promise<Subject> {
  const far = await startScript(bed, 'floor-main.ts', ['0', 'serve', bed.directory]);
  const near = await startScript(bed, 'floor-main.ts', [String(far.port), 'dial', bed.directory]);
  return subjectOf('bare echo pair, TLS', [near, far]);
}
