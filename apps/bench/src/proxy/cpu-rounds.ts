/**
 * CPU time per request: the subjects of a case take turns, round after round, and of each round the
 * ratio to the baseline of the same round is taken. The medians over all rounds count, so that neither a
 * round in which the machine was busy nor its drift over minutes says anything of a proxy.
 */
import type { ReportRow } from '../harness/report.ts';
import type { CpuCase, SubjectName } from './cases.ts';
import type { Lineup } from './lineup.ts';
import { type Load, LoadError, type LoadTools, runLoad } from './load.ts';
import { median } from './median.ts';
import { usageOf } from './process-stat.ts';
import type { Subject } from './subject.ts';

/** How long and how often. */
export interface Budget {
  readonly roundCount: number;
  readonly roundS: number;
  /** At most so many seconds before it counts; 0 leaves it out. */
  readonly warmUpSMax: number;
}

/** After so many requests nothing is compiled any more; on a busy machine they take a while. */
const warmRequestCount = 40_000;
/** After so many its connections stand, whose handshakes would be dear. */
const connectedRequestCount = 2_000;

/** What a case gave: µs per request, a figure a round; none for a subject that is not here. */
export interface CpuOutcome {
  readonly case: CpuCase;
  readonly costs: ReadonlyMap<SubjectName, readonly number[]>;
  readonly absent: readonly SubjectName[];
}

/** The largest resident memory seen under load, by subject. */
export type PeakBytes = Map<SubjectName, number>;

export async function measureCase(
  lineup: Lineup,
  it: CpuCase,
  budget: Budget,
  peaks: PeakBytes,
): Promise<CpuOutcome> {
  const costs = new Map<SubjectName, number[]>();
  const here: (readonly [SubjectName, Subject])[] = [];
  const absent: SubjectName[] = [];
  for (const name of [it.ours, ...it.baselines, ...it.others]) {
    const subject = await lineup.subject(name);
    if (subject === undefined) absent.push(name);
    else here.push([name, subject]);
  }
  for (const [name, subject] of here) {
    await warmUp(lineup, subject, (durationS) => loadOf(it, name, durationS), budget);
    costs.set(name, []);
  }
  for (let round = 0; round < budget.roundCount; round += 1) {
    // Everyone comes after everyone else in turn.
    const turn = round % here.length;
    for (const [name, subject] of [...here.slice(turn), ...here.slice(0, turn)]) {
      costs.get(name)?.push(await costOf(lineup, subject, loadOf(it, name, budget.roundS)));
      const { residentBytes } = usageOf(subject.groups);
      peaks.set(name, Math.max(peaks.get(name) ?? 0, residentBytes));
    }
  }
  return { case: it, costs, absent };
}

async function warmUp(
  lineup: Lineup,
  subject: Subject,
  load: (durationS: number) => Load,
  budget: Budget,
): Promise<void> {
  const countMax = subject.isCompiling ? warmRequestCount : connectedRequestCount;
  let count = 0;
  for (let second = 0; second < budget.warmUpSMax && count < countMax; second += 1) {
    count += await runLoad(toolsOf(lineup), subject.target, load(1));
  }
}

function loadOf(it: CpuCase, name: SubjectName, durationS: number): Load {
  const { what, connectionCount } = it.instead?.subject === name ? it.instead.load : it;
  return { what, connectionCount, durationS };
}

async function costOf(lineup: Lineup, subject: Subject, load: Load): Promise<number> {
  const before = usageOf(subject.groups).cpuUs;
  const requestCount = await runLoad(toolsOf(lineup), subject.target, load);
  if (requestCount === 0) throw new LoadError(`${subject.name} answered nothing in time`);
  return (usageOf(subject.groups).cpuUs - before) / requestCount;
}

function toolsOf({ bed }: Lineup): LoadTools {
  return { programs: bed.programs, core: bed.loadCore, directory: bed.directory };
}

/** The rows of a case: everyone beside the first baseline, and ours beside the others too. */
export function cpuRows({ case: it, costs }: CpuOutcome): readonly ReportRow[] {
  const row = (name: SubjectName, metric: string, against: SubjectName | undefined): ReportRow => {
    const own = costs.get(name) ?? [];
    const bare = against === undefined ? undefined : costs.get(against);
    return {
      subject: name,
      case: it.name,
      metric,
      unit: 'µs',
      value: median(own),
      baseline: bare === undefined ? null : median(bare),
      ratio:
        bare === undefined
          ? null
          : median(own.map((value, round) => value / (bare[round] ?? Number.NaN))),
    };
  };
  const here = [...costs.keys()];
  const first = here.find((name) => name === it.baselines[0]);
  const rest = it.baselines.slice(1).filter((name) => costs.has(name));
  return [
    ...here.map((name) => row(name, 'cpu', first)),
    ...rest.map((name) => row(it.ours, `cpu beside ${name}`, name)),
  ];
}
