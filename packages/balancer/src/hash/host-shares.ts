/**
 * What each host of a list is to get of the keys, as Envoy computes it: the table builders and the
 * bound on load all begin here, so that they agree to the last bit.
 */
import type { OptionProblems } from '@leno/std';

/** One host as hashing sees it. */
export interface HashHost {
  /** What its places are computed from: `address:port`, or a name. Should be unique. */
  readonly key: string;
  /** Its share of the keys relative to the others: 0, which gets none, or 1e-6 to 2^32 - 1. */
  readonly weight: number;
}

/** Hosts that share one weight. A host that no locality names gets no keys. */
export interface HashLocality {
  /** Its share relative to the other localities: 0, which gets none, or 1e-6 to 2^32 - 1. */
  readonly weight: number;
  /** Positions in the list of hosts. */
  readonly hosts: readonly number[];
}

const WEIGHT_MIN = 1e-6;
/** Envoy's. */
const WEIGHT_MAX = 4_294_967_295;

/** The hosts that get keys, in order, and the share of each; the shares of all are about 1. */
export interface HostShares {
  /** Positions in the list of hosts. */
  readonly hosts: Int32Array;
  /** By position in `hosts`. */
  readonly shares: Float64Array;
}

/**
 * weight ÷ Σ weights; with localities, in their order, weight · (locality ÷ Σ localities) ÷ Σ
 * weights in the locality. What is bad about the list is added to `problems`, and then nobody has a
 * share.
 */
export function hostShares(
  hosts: readonly HashHost[],
  localities: readonly HashLocality[] | undefined,
  problems: OptionProblems,
): HostShares {
  const countBefore = problems.list.length;
  for (const [index, { weight }] of hosts.entries()) {
    checkWeight(`hosts[${index}].weight`, weight, problems);
  }
  for (const [index, locality] of (localities ?? []).entries()) {
    checkLocality(`localities[${index}]`, locality, hosts.length, problems);
  }
  const members: number[] = [];
  const shares: number[] = [];
  if (problems.list.length === countBefore) {
    const groups = localities ?? [{ weight: 1, hosts: hosts.map((_, index) => index) }];
    const total = groups.reduce((sum, it) => sum + it.weight, 0);
    for (const group of groups) {
      if (group.weight > 0) addGroup(group.weight / total, group.hosts);
    }
  }
  return { hosts: Int32Array.from(members), shares: Float64Array.from(shares) };

  function addGroup(share: number, group: readonly number[]): void {
    const weightOf = (index: number): number => hosts[index]?.weight ?? 0;
    const sum = group.reduce((before, index) => before + weightOf(index), 0);
    for (const index of group) {
      if (weightOf(index) === 0) continue;
      members.push(index);
      // Multiplied first: the order decides the last bit, and that may decide a place.
      shares.push((weightOf(index) * share) / sum);
    }
  }
}

function checkWeight(path: string, weight: number, problems: OptionProblems): void {
  const isGood = weight === 0 || (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX);
  problems.check(isGood, path, weight, `be 0 or from ${WEIGHT_MIN} to ${WEIGHT_MAX}`);
}

function checkLocality(
  path: string,
  { weight, hosts }: HashLocality,
  hostCount: number,
  problems: OptionProblems,
): void {
  checkWeight(`${path}.weight`, weight, problems);
  for (const [at, index] of hosts.entries()) {
    const isThere = Number.isInteger(index) && index >= 0 && index < hostCount;
    problems.check(isThere, `${path}.hosts[${at}]`, index, `be below ${hostCount}, a position`);
  }
}
