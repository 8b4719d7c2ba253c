/**
 * Measures a group: rounds in turn, each subject once a round, and of a subject's rounds the
 * smallest. A round that another process disturbed is only ever longer, so the minimum is what the
 * code takes, and interleaving lets every subject meet the quiet moments. The median is given too,
 * as a measure of how noisy it was.
 *
 * Allocation is what the heap grew by over many calls after a forced collection, with a young
 * generation so large that none happens in between; the smallest of several tries.
 */
import type {
  Figure,
  FigureGroup,
  Group,
  GroupOutcome,
  Outcome,
  Run,
  Scale,
  TimedGroup,
} from './group.ts';

/** How long to measure. */
export interface Budget extends Scale {
  readonly roundCount: number;
  /** How long one round of one subject should take. */
  readonly roundMs: number;
  /** Rounds go on until a group has taken so long: a busy moment should not cover all of them. */
  readonly groupMsMin: number;
  /** After so much time a subject that is slow has no further rounds, but three. */
  readonly subjectMsMax: number;
}

/** Enough for figures that repeat within some percent on a shared machine. */
export const fullBudget: Budget = {
  isQuick: false,
  roundCount: 400,
  roundMs: 0.25,
  groupMsMin: 1_500,
  subjectMsMax: 1_500,
};

/** Enough to see that everything runs. */
export const quickBudget: Budget = {
  isQuick: true,
  roundCount: 2,
  roundMs: 0,
  groupMsMin: 0,
  subjectMsMax: 1,
};

const OPERATION_COUNT_MAX = 1 << 20;
const ALLOCATED_BYTES_MAX = 16 << 20;
const ALLOCATION_TRY_COUNT = 5;

interface Contender {
  readonly name: string;
  readonly run: Run;
  readonly roundsNs: number[];
  operationCount: number;
  spentMs: number;
}

// Results are added up here, where the compiler cannot know that nobody looks.
let sink = 0;

/** What was computed while measuring; means nothing, and has to be read. */
export function sunk(): number {
  return sink;
}

/** Measures all subjects of a group that are on this machine. */
export async function measureGroup(group: Group, budget: Budget): Promise<GroupOutcome> {
  const outcomes =
    group.kind === 'timed'
      ? await timedOutcomes(group, budget)
      : await figureOutcomes(group, budget);
  return { case: group.case, baseline: group.baseline ?? null, outcomes };
}

async function timedOutcomes(group: TimedGroup, budget: Budget): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const contenders: Contender[] = [];
  for (const { name, load } of group.subjects) {
    const run = await present(() => load(budget));
    if (run === undefined) outcomes.push({ kind: 'absent', name });
    else contenders.push({ name, run, roundsNs: [], operationCount: 1, spentMs: 0 });
  }
  for (const it of contenders) it.operationCount = await calibrated(it.run, budget);
  const untilMs = performance.now() + budget.groupMsMin;
  for (let round = 0; round < budget.roundCount || performance.now() < untilMs; round += 1) {
    for (const it of contenders) await playRound(it, budget);
  }
  for (const it of contenders) {
    const bytes = await allocated(it.run, budget);
    outcomes.push({ kind: 'measured', name: it.name, figures: [...timesOf(it), ...bytes] });
  }
  return inOrder(group.subjects, outcomes);
}

async function figureOutcomes(group: FigureGroup, scale: Scale): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, measure } of group.subjects) {
    const value = await present(() => measure(scale));
    const { metric, unit } = group;
    if (value === undefined) outcomes.push({ kind: 'absent', name });
    else outcomes.push({ kind: 'measured', name, figures: [{ metric, unit, value }] });
  }
  return outcomes;
}

/** What `load` gives, or undefined if a package that it imports is not installed. */
async function present<T>(load: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await load();
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
    throw thrown;
  }
}

async function elapsedNs({ kind, run }: Run, count: number): Promise<number> {
  const startNs = process.hrtime.bigint();
  // Awaiting a number would add a turn of the microtask queue to what is synchronous.
  sink += kind === 'sync' ? run(count) : await run(count);
  return Number(process.hrtime.bigint() - startNs);
}

/** How many operations fill a round; doubling up to there is the warm-up as well. */
async function calibrated(run: Run, { isQuick, roundMs }: Budget): Promise<number> {
  if (isQuick) return 2;
  for (let count = 1; count < OPERATION_COUNT_MAX; count *= 2) {
    const tookMs = (await elapsedNs(run, count)) / 1e6;
    if (tookMs < roundMs) continue;
    // Compiled by now or not: once more tells.
    const perCallMs = (await elapsedNs(run, count)) / 1e6 / count;
    if (perCallMs * count * 2 < roundMs) continue;
    return Math.max(1, Math.min(OPERATION_COUNT_MAX, Math.round(roundMs / perCallMs)));
  }
  return OPERATION_COUNT_MAX;
}

async function playRound(it: Contender, budget: Budget): Promise<void> {
  if (it.spentMs > budget.subjectMsMax && it.roundsNs.length >= 3) return;
  const tookNs = await elapsedNs(it.run, it.operationCount);
  it.spentMs += tookNs / 1e6;
  it.roundsNs.push(tookNs / it.operationCount);
}

function timesOf({ roundsNs }: Contender): readonly Figure[] {
  const sorted = roundsNs.toSorted((one, other) => one - other);
  const minNs = sorted[0] ?? Number.NaN;
  const medianNs = sorted[sorted.length >> 1] ?? Number.NaN;
  return [
    { metric: 'time', unit: 'ns', value: minNs },
    { metric: 'time-median', unit: 'ns', value: medianNs },
  ];
}

async function allocated(run: Run, { isQuick }: Budget): Promise<readonly Figure[]> {
  if (isQuick) return [{ metric: 'allocated', unit: 'B', value: 0 }];
  const sampleBytes = await grownBytes(run, 64);
  const count = Math.max(1, Math.min(20_000, Math.floor(ALLOCATED_BYTES_MAX / (sampleBytes + 1))));
  let bytes = Number.POSITIVE_INFINITY;
  for (let index = 0; index < ALLOCATION_TRY_COUNT; index += 1) {
    bytes = Math.min(bytes, await grownBytes(run, count));
  }
  return [{ metric: 'allocated', unit: 'B', value: bytes }];
}

/** Bytes of heap that one operation takes, over `count` of them. */
async function grownBytes({ kind, run }: Run, count: number): Promise<number> {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  sink += kind === 'sync' ? run(count) : await run(count);
  return Math.max(0, (process.memoryUsage().heapUsed - before) / count);
}

function inOrder(
  subjects: readonly { readonly name: string }[],
  outcomes: readonly Outcome[],
): readonly Outcome[] {
  const rank = new Map(subjects.map(({ name }, index) => [name, index]));
  const rankOf = ({ name }: Outcome): number => rank.get(name) ?? subjects.length;
  return outcomes.toSorted((one, other) => rankOf(one) - rankOf(other));
}
