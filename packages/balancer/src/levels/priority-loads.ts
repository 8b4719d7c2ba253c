/**
 * How much of the traffic each priority gets, in whole percents that sum to 100.
 *
 * A priority can take 140 % of the share of its endpoints that are healthy, 100 % at most: with
 * 5 of 7 healthy it still takes all. What it cannot take spills to the next. Degraded endpoints
 * take what the healthy ones of all priorities leave. Where all together cannot take 100 %, shares
 * are scaled up, and what rounding leaves goes to the first.
 *
 * A priority is in panic if fewer than the threshold of its endpoints are healthy or degraded, and
 * all together cannot take 100 %: then health says more of the health checks than of the endpoints,
 * and it is ignored. If all are, each gets its part by the number of its endpoints.
 *
 * These are the rules of Envoy's load balancers, in the same whole numbers. Nobody is in panic at
 * the threshold 0, where everything goes to the first priority if nobody is healthy.
 */

/** The endpoints of one priority, counted; those with the weight 0 are not. */
export interface LevelCounts {
  readonly hostCount: number;
  readonly healthyCount: number;
  readonly degradedCount: number;
}

/** What one priority gets. */
export interface LevelLoad {
  /** For its healthy endpoints; for all of them in panic. */
  readonly percent: number;
  /** For its degraded endpoints. */
  readonly degradedPercent: number;
  readonly isPanic: boolean;
}

/** How health becomes traffic, with defaults filled in. */
export interface LoadRules {
  /** 1.4: how much more than its part an endpoint can take for those that are out. */
  readonly overprovisioningFactor: number;
  /** 0.5: in panic below it. */
  readonly panicThresholdRatio: number;
}

/** The load of each priority, in their order. */
export function priorityLoads(
  levels: readonly LevelCounts[],
  { overprovisioningFactor, panicThresholdRatio }: LoadRules,
): readonly LevelLoad[] {
  const factor = Math.round(overprovisioningFactor * 100);
  const healthy = levels.map((it) => availability(it.healthyCount, it.hostCount, factor));
  const degraded = levels.map((it) => availability(it.degradedCount, it.hostCount, factor));
  const available = Math.min(100, sum(healthy) + sum(degraded));
  const threshold = Math.min(100, Math.round(panicThresholdRatio * 100));
  if (threshold === 0 && available === 0) return onlyFirst(levels.length);
  const panics = levels.map((it) => available < 100 && isInPanic(it, threshold));
  if (!panics.includes(false)) return byHostCount(levels);
  const { shares, rest } = spread(healthy, 100, available);
  const { shares: degradedShares, rest: over } = spread(degraded, rest, available);
  const first = healthy.findIndex((it) => it > 0);
  if (first >= 0) shares[first] = (shares[first] ?? 0) + over;
  else addToFirst(degradedShares, degraded, over);
  return levels.map((_, index) => ({
    percent: shares[index] ?? 0,
    degradedPercent: degradedShares[index] ?? 0,
    isPanic: panics[index] ?? false,
  }));
}

function availability(count: number, hostCount: number, factor: number): number {
  return hostCount === 0 ? 0 : Math.min(100, Math.floor((factor * count) / hostCount));
}

function isInPanic(level: LevelCounts, threshold: number): boolean {
  const { hostCount, healthyCount, degradedCount } = level;
  const percent = hostCount === 0 ? 0 : (100 * (healthyCount + degradedCount)) / hostCount;
  return percent < threshold;
}

function spread(availabilities: readonly number[], total: number, available: number) {
  let rest = total;
  const shares = availabilities.map((it) => {
    const share = available === 0 ? 0 : Math.min(rest, Math.floor((it * 100) / available));
    rest -= share;
    return share;
  });
  return { shares, rest };
}

function byHostCount(levels: readonly LevelCounts[]): readonly LevelLoad[] {
  const hostCounts = levels.map((it) => it.hostCount);
  const total = sum(hostCounts);
  const shares = hostCounts.map((it) => (total === 0 ? 0 : Math.floor((100 * it) / total)));
  addToFirst(shares, hostCounts, 100 - sum(shares));
  return shares.map((percent) => ({ percent, degradedPercent: 0, isPanic: true }));
}

function onlyFirst(length: number): readonly LevelLoad[] {
  return Array.from({ length }, (_, index) => ({
    percent: index === 0 ? 100 : 0,
    degradedPercent: 0,
    isPanic: false,
  }));
}

function addToFirst(shares: number[], weights: readonly number[], rest: number): void {
  const first = Math.max(
    0,
    weights.findIndex((it) => it > 0),
  );
  shares[first] = (shares[first] ?? 0) + rest;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, it) => total + it, 0);
}
