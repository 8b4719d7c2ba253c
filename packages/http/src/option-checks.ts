/** What options must be, looked at once, where they come in; everything that is wrong is said at once. */
import { OptionProblems } from '@leno/std';
import type { UpstreamPoolOptions } from './pool-options.ts';
import type { HttpServerOptions } from './server-options.ts';

/** What is wrong with the options of a server, but for HTTP/2. */
export function serverProblems({ limits, halfCloseGraceMs = 1 }: HttpServerOptions) {
  const problems = new OptionProblems();
  checkBounds('limits.', limits ?? {}, problems);
  const isGrace = halfCloseGraceMs >= 1;
  problems.check(isGrace, 'halfCloseGraceMs', halfCloseGraceMs, 'be at least 1, or Infinity');
  return problems;
}

/** What is wrong with the options of a pool, but for HTTP/2. */
export function poolProblems(options: UpstreamPoolOptions): OptionProblems {
  const { address, port, limits, connectTimeoutMs, idleTimeoutMs } = options;
  const problems = new OptionProblems();
  if (!address.startsWith('unix:')) problems.count('port', port, 1, 65_535);
  checkBounds('limits.', limits, problems);
  checkBounds('', { connectTimeoutMs, idleTimeoutMs }, problems);
  return problems;
}

/** Bounds that may be lifted by `Infinity`. */
function checkBounds(prefix: string, bounds: object, problems: OptionProblems): void {
  for (const [name, value] of Object.entries(bounds) as [string, unknown][]) {
    if (value === undefined) continue;
    const isBound = typeof value === 'number' && value >= 0;
    problems.check(isBound, prefix + name, value, 'be a number from 0, or Infinity');
  }
}
