/** What the sources of a package may import; the whole law in one table. Tests may import more. */
export interface ImportRow {
  readonly layer: number;
  /** Packages of the workspace, by short name. */
  readonly packages: readonly string[];
  /** Libraries that the root export may use. */
  readonly libraries?: readonly string[];
  /** `node:` modules that files outside `src/node/` may use. */
  readonly node?: readonly string[];
  /** Libraries that adapters in subpaths (folders of `src` that exports name) may use besides. */
  readonly adapters?: readonly string[];
}

const upTo2 = [
  ...['std', 'resilience', 'balancer', 'routing', 'authz'],
  ...['config', 'push', 'ca', 'http', 'telemetry'],
] as const;
const upTo3 = [...upTo2, 'dataplane', 'controlplane'] as const;

/** By package. `architecture`: who may import whom. */
export const importTable: Readonly<Record<string, ImportRow>> = {
  std: { layer: 0, packages: [] },
  resilience: { layer: 1, packages: ['std'], adapters: ['undici', 'hono'] },
  balancer: { layer: 1, packages: ['std'] },
  routing: { layer: 1, packages: ['std'] },
  authz: { layer: 1, packages: ['std'] },
  config: { layer: 1, packages: ['std'], libraries: ['zod', 'yaml'] },
  push: { layer: 2, packages: ['std', 'config'], libraries: ['zod'], adapters: ['ws'] },
  ca: { layer: 2, packages: ['std'], libraries: ['node-forge'], node: ['node:crypto'] },
  http: { layer: 2, packages: ['std'], node: ['node:net', 'node:stream', 'node:tls'] },
  telemetry: { layer: 2, packages: ['std'], libraries: ['prom-client', '@opentelemetry/api'] },
  dataplane: { layer: 3, packages: upTo2, libraries: ['zod'] },
  controlplane: { layer: 3, packages: upTo2, libraries: ['zod'] },
  client: { layer: 4, packages: upTo3 },
  sim: { layer: 4, packages: upTo3 },
  testkit: {
    layer: 4,
    packages: upTo3,
    libraries: ['fast-check', 'node-forge', '@peculiar/x509', 'zod'],
  },
};

/** Packages that only tests may import. */
export const onlyInTests: readonly string[] = ['testkit'];

/** The only importers of a library, wherever it is declared: its types must not leak further. */
export const soleImporters: Readonly<Record<string, readonly string[]>> = {
  'node-forge': ['packages/ca', 'packages/testkit'],
  'prom-client': ['packages/telemetry'],
};
