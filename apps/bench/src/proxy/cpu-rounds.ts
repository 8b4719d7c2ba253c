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
const warmRequestCount = 100_000;
/** After so many its connections stand, whose handshakes would be dear. */
const connectedRequestCount = 2_000;

/** What a case gave: µs per request, a figure a round; none for a subject that is not here. */
export interface CpuOutcome {
  readonly case: CpuCase;
  readonly costs: ReadonlyMap<SubjectName, readonly number[]>;
  readonly absent: readonly SubjectName[];
}

/** What is remembered of the subjects from case to case. */
export interface Ledger {
  /** The largest resident memory that was seen after a load. */
  readonly peakBytes: Map<SubjectName, number>;
  /** Requests that each has answered. */
  readonly requestCounts: Map<SubjectName, number>;
}

export function newLedger(): Ledger {
  return { peakBytes: new Map(), requestCounts: new Map() };
}

export async function measureCase(
  lineup: Lineup,
  it: CpuCase,
  budget: Budget,
  ledger: Ledger,
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
    const load = (durationS: number): Load => loadOf(it, name, durationS);
    const known = ledger.requestCounts.get(name) ?? 0;
    const count = await warmUp(lineup, subject, { load, known, ...budget });
    ledger.requestCounts.set(name, known + count);
    costs.set(name, []);
  }
  for (let round = 0; round < budget.roundCount; round += 1) {
    // Everyone comes after everyone else in turn.
    const turn = round % here.length;
    for (const [name, subject] of [...here.slice(turn), ...here.slice(0, turn)]) {
      costs.get(name)?.push(await costOf(lineup, subject, loadOf(it, name, budget.roundS)));
      const { residentBytes } = usageOf(subject.groups);
      ledger.peakBytes.set(name, Math.max(ledger.peakBytes.get(name) ?? 0, residentBytes));
    }
  }
  return { case: it, costs, absent };
}

/** Loads it second by second until all it needs is compiled and its connections stand. */
async function warmUp(
  lineup: Lineup,
  subject: Subject,
  options: {
    readonly load: (durationS: number) => Load;
    /** What it has answered in other cases. */
    readonly known: number;
    readonly warmUpSMax: number;
  },
): Promise<number> {
  const toCompile = subject.isCompiling ? warmRequestCount - options.known : 0;
  const countMax = Math.max(connectedRequestCount, toCompile);
  let count = 0;
  for (let second = 0; second < options.warmUpSMax && count < countMax; second += 1) {
    count += await runLoad(toolsOf(lineup), subject.target, options.load(1));
  }
  return count;
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
