/** What the benchmark is told from outside; the only place in it that reads the environment. */

/** Where programs may stand, and a proxy that is not on the path. */
export interface BenchEnvironment {
  readonly path: readonly string[];
  /** Envoy, where it is not on the path under its name. */
  readonly envoy: string | undefined;
}

export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): BenchEnvironment {
  const system = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
  const path = (environment['PATH'] ?? '').split(':').filter((it) => it !== '');
  return { path: [...path, ...system], envoy: environment['ENVOY_BIN'] };
}

/** The environment of the programs that are measured, without anything that would configure one of them. */
export function programEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const kept = Object.entries(environment).filter(
    ([name]) => !/^(LENO_|NODE_|https?_proxy|HTTPS?_PROXY)/.test(name),
  );
  return Object.fromEntries(kept);
}
