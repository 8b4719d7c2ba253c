/** The programs of the system that the benchmark runs. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { LenoError } from '@leno/std';
import type { BenchEnvironment } from './env.ts';

/** Programs without which nothing can be measured, and the Debian packages that hold them. */
const needed = {
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  nginx: 'nginx-core',
  taskset: 'util-linux',
} as const;

/** Paths of what is here; a peer that is not is undefined. */
export interface Programs {
  readonly wrk: string;
  readonly h2load: string;
  readonly nginx: string;
  readonly taskset: string;
  readonly haproxy: string | undefined;
  readonly envoy: string | undefined;
  /** For `--profile`. */
  readonly perf: string | undefined;
  readonly strace: string | undefined;
}

/** A program that the benchmark cannot do without is missing; the message names its package. */
export class MissingProgramError extends LenoError {
  readonly code = 'LENO_BENCH_MISSING_PROGRAM';
  readonly fault = 'mesh';
}

/** Finds the programs. Throws `MissingProgramError` that names all that are missing. */
export function findPrograms(environment: BenchEnvironment): Programs {
  const { path } = environment;
  const missing: string[] = [];
  const found = (name: keyof typeof needed): string => {
    const place = whereIs(name, path);
    if (place === undefined) missing.push(`${name} (Debian: ${needed[name]})`);
    return place ?? '';
  };
  const programs: Programs = {
    wrk: found('wrk'),
    h2load: found('h2load'),
    nginx: found('nginx'),
    taskset: found('taskset'),
    haproxy: whereIs('haproxy', path),
    envoy: environment.envoy ?? whereIs('envoy', path),
    perf: whereIs('perf', path),
    strace: whereIs('strace', path),
  };
  if (missing.length > 0) {
    throw new MissingProgramError(`not here, and needed to measure: ${missing.join(', ')}`);
  }
  return programs;
}

function whereIs(name: string, path: readonly string[]): string | undefined {
  return path.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
