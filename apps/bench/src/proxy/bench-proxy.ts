/** `pnpm bench proxy`: all cases one after the other on one bed. */
import type { AbsentPeer, ReportRow } from '../harness/report.ts';
import { makeBed } from './bed.ts';
import { cpuCases, isAskedFor, latencyCase, memoryCase, workersCase } from './cases.ts';
import { type Budget, cpuRows, measureCase, type PeakBytes } from './cpu-rounds.ts';
import { measureLatency } from './latency.ts';
import { Lineup } from './lineup.ts';
import { measureMemory } from './memory.ts';
import type { Programs } from './programs.ts';
import { proofRows, proofsOf } from './proofs.ts';
import { startUpstreams } from './upstream.ts';
import { measureWorkers } from './workers.ts';

/** How much of it. */
export interface ProxyBenchOptions {
  /** Cases whose name holds this. */
  readonly only: string;
  readonly roundCount: number;
  /** Short rounds without a warm-up, which show only that all of it runs. */
  readonly isQuick: boolean;
  /** Told what is being measured. */
  readonly say: (line: string) => void;
}

/** What was measured, and who was not there. */
export interface ProxyFigures {
  readonly rows: readonly ReportRow[];
  readonly absent: readonly AbsentPeer[];
}

/** Runs it. Throws `NotOnError` where a figure would be a lie. */
export async function benchProxy(
  programs: Programs,
  options: ProxyBenchOptions,
): Promise<ProxyFigures> {
  const bed = await makeBed(programs);
  try {
    return await measureAll(new Lineup(bed, await startUpstreams(bed)), options);
  } finally {
    await bed.end();
  }
}

async function measureAll(lineup: Lineup, options: ProxyBenchOptions): Promise<ProxyFigures> {
  const { only, roundCount, isQuick, say } = options;
  const budget: Budget = isQuick
    ? { roundCount: 1, roundS: 1, warmUpSMax: 0 }
    : { roundCount, roundS: 2, warmUpSMax: 5 };
  const rows: ReportRow[] = [];
  const absent: AbsentPeer[] = [];
  const peaks: PeakBytes = new Map();
  for (const it of cpuCases.filter(({ name }) => isAskedFor(name, only))) {
    say(`measuring ${it.name}`);
    const outcome = await measureCase(lineup, it, budget, peaks);
    rows.push(...cpuRows(outcome));
    absent.push(...outcome.absent.map((subject) => ({ subject, case: it.name })));
  }
  const durationS = isQuick ? 1 : 5;
  const rest = [
    [latencyCase, () => measureLatency(lineup, { roundCount: isQuick ? 1 : 3, durationS })],
    [memoryCase, () => measureMemory(lineup, peaks)],
    [workersCase, () => measureWorkers(lineup, { roundCount, durationS: isQuick ? 1 : 2 })],
  ] as const;
  for (const [name, measure] of rest) {
    if (!isAskedFor(name, only)) continue;
    say(`measuring ${name}`);
    rows.push(...(await measure()));
  }
  const mesh = await lineup.startedMesh;
  if (mesh !== undefined) {
    rows.push(...proofRows(await proofsOf(lineup.bed, mesh, (name) => lineup.hasStarted(name))));
    mesh.stop();
  }
  return { rows, absent };
}
