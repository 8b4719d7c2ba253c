/** The benchmarks by name. */
import type { Group } from './harness/group.ts';

/** Names of the contract whose part is not built. */
export const notYet: readonly string[] = ['push', 'ca', 'telemetry'];

const loaders: Readonly<Record<string, () => Promise<readonly Group[]>>> = {
  resilience: async () => (await import('./resilience/groups.ts')).resilienceGroups,
  balancer: async () => (await import('./balancer/groups.ts')).balancerGroups,
};

/** Those that can run. */
export const benchmarkNames: readonly string[] = Object.keys(loaders);

/** The groups of a benchmark, none for a name that is not known. */
export async function groupsOf(name: string): Promise<readonly Group[]> {
  return (await loaders[name]?.()) ?? [];
}
