/** Bounded loads on a proxy, and how many requests each of them got through. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LenoError } from '@leno/std';
import type { Programs } from './programs.ts';

const run = promisify(execFile);

/** What is sent. */
export type LoadKind =
  | { readonly kind: 'get'; readonly path: string }
  | { readonly kind: 'post'; readonly path: string; readonly bodyBytes: number }
  | { readonly kind: 'grpc'; readonly path: string; readonly streamCount: number };

export interface Load {
  readonly what: LoadKind;
  readonly connectionCount: number;
  readonly durationS: number;
}

/** Where it goes: `host:port`, and the name that is asked for. */
export interface LoadTarget {
  readonly address: string;
  readonly authority: string;
}

/** What runs a load, and where. */
export interface LoadTools {
  readonly programs: Programs;
  readonly core: number;
  readonly directory: string;
}

/** A load that was not answered as it should be: its figures mean nothing. */
export class LoadError extends LenoError {
  readonly code = 'LENO_BENCH_LOAD';
  readonly fault = 'mesh';
}

/** What a generator says at its end. */
export interface LoadCounts {
  readonly requestCount: number;
  /** Replies other than 2xx, and errors of sockets and timeouts. */
  readonly failureCount: number;
}

/** Runs a load to its end; gives the number of requests, which may be none. Throws `LoadError` if any failed. */
export async function runLoad(tools: LoadTools, target: LoadTarget, load: Load): Promise<number> {
  const [program, args, parse] =
    load.what.kind === 'grpc'
      ? ([
          tools.programs.h2load,
          h2loadArguments(target, load, tools.directory),
          parseH2load,
        ] as const)
      : ([tools.programs.wrk, wrkArguments(target, load), parseWrk] as const);
  const { stdout } = await run(
    tools.programs.taskset,
    ['-c', String(tools.core), program, ...args],
    { timeout: (load.durationS + 30) * 1_000, maxBuffer: 1 << 22 },
  );
  const { requestCount, failureCount } = parse(stdout);
  if (failureCount > 0) {
    throw new LoadError(
      `${failureCount} of ${requestCount} requests to ${target.address} failed: ` +
        `look at the log of the proxy\n${stdout}`,
    );
  }
  return requestCount;
}

const postScript = new URL('post.lua', import.meta.url).pathname;

export function wrkArguments(target: LoadTarget, load: Load): readonly string[] {
  const { what, connectionCount, durationS } = load;
  const post = what.kind === 'post' ? ['-s', postScript] : [];
  const count = ['-t1', `-c${connectionCount}`, `-d${durationS}s`, '--timeout', '10s'];
  const url = `http://${target.address}${what.path}`;
  const rest = what.kind === 'post' ? ['--', String(what.bodyBytes)] : [];
  return [...count, '-H', `Host: ${target.authority}`, ...post, url, ...rest];
}

/** Reads what wrk prints. */
export function parseWrk(text: string): LoadCounts {
  const requestCount = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const errors = (socket ?? []).slice(1).reduce((sum, it) => sum + Number(it), 0);
  return { requestCount, failureCount: bad + errors };
}

/** The file of a gRPC request, below the directory of the run. */
export const grpcBodyFile = 'unary.bin';

export function h2loadArguments(
  target: LoadTarget,
  load: Load,
  directory: string,
): readonly string[] {
  const { what, connectionCount, durationS } = load;
  const streamCount = what.kind === 'grpc' ? what.streamCount : 1;
  return [
    ...['-t1', `-c${connectionCount}`, `-m${streamCount}`, `-D${durationS}`, '-ph2c'],
    ...['-d', `${directory}/${grpcBodyFile}`],
    ...['-H', 'content-type: application/grpc', '-H', 'te: trailers'],
    ...['-H', `:authority: ${target.authority}`],
    `http://${target.address}${what.path}`,
  ];
}

/** Reads what h2load prints; its requests under way at the end count as neither. */
export function parseH2load(text: string): LoadCounts {
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(text);
  const [, succeeded = 0, failed = 0, errored = 0, timeout = 0] = (counts ?? []).map(Number);
  return { requestCount: succeeded, failureCount: failed + errored + timeout };
}
