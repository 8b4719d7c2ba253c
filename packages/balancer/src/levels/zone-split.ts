/**
 * How much of the traffic stays in the caller's own zone, so that each zone's endpoints get the
 * same load although callers are not spread as endpoints are.
 *
 * If the zone has at least its callers' part of the endpoints, all of it stays. Otherwise the part
 * that they can take does, and the rest goes to the zones that have endpoints to spare, in
 * proportion to what they have: in hundredths of a percent, by the rules of Envoy's zone-aware
 * routing. With fewer than two zones, nobody in the own zone, or too few healthy endpoints it is
 * off.
 */

/** The endpoints of one zone that may be picked, and those who call from there. */
export interface ZoneCounts {
  readonly zone: string;
  readonly healthyCount: number;
  readonly callerCount: number;
}

/** Whether, and how, calls keep to a zone. Numbers are of 10,000. */
export type ZoneSplit =
  | { readonly kind: 'off'; readonly why: ZoneOff }
  | { readonly kind: 'local' }
  | {
      readonly kind: 'split';
      readonly localPart: number;
      /** What each zone, in the order given, can take besides its own; 0 for the own zone. */
      readonly residuals: readonly number[];
    };

/** Why zones do not count. */
export type ZoneOff = 'fewer than two zones' | 'nobody in the own zone' | 'too few endpoints';

/** Whose zone it is, and from how many endpoints on zones count. */
export interface ZoneRules {
  readonly local: string;
  readonly endpointCountMin: number;
}

/** The split for callers in `local`. A zone whose callers are not known has none. */
export function zoneSplit(zones: readonly ZoneCounts[], rules: ZoneRules): ZoneSplit {
  const healthyCount = zones.reduce((total, it) => total + it.healthyCount, 0);
  const callerCount = zones.reduce((total, it) => total + it.callerCount, 0);
  const here = zones.find((it) => it.zone === rules.local);
  if (zones.length < 2) return { kind: 'off', why: 'fewer than two zones' };
  if (here === undefined || here.healthyCount === 0 || here.callerCount === 0) {
    return { kind: 'off', why: 'nobody in the own zone' };
  }
  if (healthyCount < rules.endpointCountMin) return { kind: 'off', why: 'too few endpoints' };
  const callers = part(here.callerCount, callerCount);
  const endpoints = part(here.healthyCount, healthyCount);
  if (endpoints >= callers) return { kind: 'local' };
  return {
    kind: 'split',
    localPart: Math.floor((endpoints * 10_000) / callers),
    residuals: zones.map((it) => {
      const spare = part(it.healthyCount, healthyCount) - part(it.callerCount, callerCount);
      return it === here ? 0 : Math.max(0, spare);
    }),
  };
}

function part(count: number, total: number): number {
  return Math.floor((10_000 * count) / total);
}
