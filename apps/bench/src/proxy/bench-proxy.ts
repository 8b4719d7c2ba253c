/** `pnpm bench proxy`: all cases one after the other on one bed. */
import { messageOf } from '@leno/std';
import type { AbsentPeer, ReportRow } from '../harness/report.ts';
import { makeBed } from './bed.ts';
import { cpuCases, isAskedFor, latencyCase, memoryCase, workersCase } from './cases.ts';
import { type Budget, cpuRows, measureCase, newLedger } from './cpu-rounds.ts';
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
  /** Cases that could not be measured, and why. */
  readonly failures: readonly string[];
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
  const rows: ReportRow[] = [];
  const absent: AbsentPeer[] = [];
  const failures: string[] = [];
  for (const { name, measure } of casesOf(lineup, options, absent)) {
    if (!isAskedFor(name, options.only)) continue;
    options.say(`measuring ${name}`);
    try {
      rows.push(...(await measure()));
    } catch (thrown) {
      // What was measured before, and what comes after, is worth no less.
      failures.push(`${name}: ${messageOf(thrown)}`);
    }
  }
  const mesh = await lineup.startedMesh;
  if (mesh !== undefined) {
    rows.push(...proofRows(await proofsOf(lineup.bed, mesh, (name) => lineup.hasStarted(name))));
    mesh.stop();
  }
  return { rows, absent, failures };
}

interface MeasuredCase {
  readonly name: string;
  readonly measure: () => Promise<readonly ReportRow[]>;
}

function casesOf(
  lineup: Lineup,
  { roundCount, isQuick }: ProxyBenchOptions,
  absent: AbsentPeer[],
): readonly MeasuredCase[] {
  const budget: Budget = isQuick
    ? { roundCount: 1, roundS: 1, warmUpSMax: 0 }
    : { roundCount, roundS: 2, warmUpSMax: 12 };
  const ledger = newLedger();
  const loads = cpuCases.map((it) => ({
    name: it.name,
    measure: async () => {
      const outcome = await measureCase(lineup, it, budget, ledger);
      absent.push(...outcome.absent.map((subject) => ({ subject, case: it.name })));
      return cpuRows(outcome);
    },
  }));
  const rates = { roundCount: isQuick ? 1 : 3, durationS: isQuick ? 1 : 5 };
  const { roundS } = budget;
  return [
    ...loads,
    { name: latencyCase, measure: () => measureLatency(lineup, rates) },
    { name: memoryCase, measure: () => measureMemory(lineup, ledger.peakBytes) },
    { name: workersCase, measure: () => measureWorkers(lineup, { ...budget, durationS: roundS }) },
  ];
}
