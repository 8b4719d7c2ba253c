import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** What happens where too few are healthy. */
export interface PanicOptions {
  /**
   * In panic if fewer than this part of a priority is healthy. From 0, which is never, to 1, in
   * whole percents; default 0.5.
   */
  readonly thresholdRatio?: number | undefined;
  /** In panic nobody is picked, rather than anybody. Default false. */
  readonly failsTraffic?: boolean | undefined;
}

/** Where calls come from, so that they may stay there. */
export interface ZoneOptions {
  /** The caller's own zone. */
  readonly local: string;
  /**
   * How many callers like this one each zone has. Unless given, each zone of the endpoints, and the
   * own, has as many as the others.
   */
  readonly callers?: Readonly<Record<string, number>> | undefined;
  /** Zones do not count with fewer healthy endpoints. At least 0; default 6. */
  readonly endpointCountMin?: number | undefined;
}

/** How priorities, zones and health become traffic. */
export interface LevelOptions {
  /**
   * How much more than its part an endpoint can take for those that are out. From 1 to 100, in whole
   * percents; default 1.4.
   */
  readonly overprovisioningFactor?: number | undefined;
  readonly panic?: PanicOptions | undefined;
  /** Unless given, zones do not count. */
  readonly zone?: ZoneOptions | undefined;
}

/** Envoy's. */
export const defaultLevelOptions = {
  overprovisioningFactor: 1.4,
  panic: { thresholdRatio: 0.5, failsTraffic: false },
  zone: { endpointCountMin: 6 },
} as const;

/** As checked, with defaults filled in. */
export interface LevelRules {
  readonly overprovisioningFactor: number;
  readonly panicThresholdRatio: number;
  readonly failsTraffic: boolean;
  readonly zone: CheckedZone | undefined;
}

interface CheckedZone {
  readonly local: string;
  readonly endpointCountMin: number;
  readonly callers: ReadonlyMap<string, number> | undefined;
}

/** Throws `InvalidOptionError` with all that is wrong. */
export function checkedLevelRules({
  overprovisioningFactor,
  panic,
  zone,
}: LevelOptions): LevelRules {
  const defaults = defaultLevelOptions;
  const rules: LevelRules = {
    overprovisioningFactor: overprovisioningFactor ?? defaults.overprovisioningFactor,
    panicThresholdRatio: panic?.thresholdRatio ?? defaults.panic.thresholdRatio,
    failsTraffic: panic?.failsTraffic ?? defaults.panic.failsTraffic,
    zone: zone && {
      local: zone.local,
      callers: zone.callers && new Map(Object.entries(zone.callers)),
      endpointCountMin: zone.endpointCountMin ?? defaults.zone.endpointCountMin,
    },
  };
  const problems = new OptionProblems();
  problems.range('overprovisioningFactor', rules.overprovisioningFactor, 1, 100);
  problems.range('panic.thresholdRatio', rules.panicThresholdRatio, 0, 1);
  if (rules.zone !== undefined) checkZone(problems, rules.zone);
  problems.throwIfAny(InvalidOptionError);
  return rules;
}

function checkZone(problems: OptionProblems, { local, callers, endpointCountMin }: CheckedZone) {
  problems.check(local !== '', 'zone.local', local, 'be the name of a zone');
  problems.count('zone.endpointCountMin', endpointCountMin, 0);
  if (callers === undefined) return;
  for (const [name, count] of callers) {
    problems.range(`zone.callers.${name}`, count, 0);
  }
  // Without a caller in its own zone the one who asks would not be there.
  const own = callers.get(local) ?? 0;
  problems.check(own > 0, `zone.callers.${local}`, own, 'be above 0: the caller is one of them');
}
