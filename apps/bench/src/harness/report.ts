/** What a run of a benchmark says, for programs. */
import type { GroupOutcome, Outcome } from './group.ts';

/** One figure of one subject; `baseline` and `ratio` where its group has something to compare with. */
export interface ReportRow {
  readonly subject: string;
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  readonly baseline: number | null;
  readonly ratio: number | null;
}

/** A peer whose package is not installed. */
export interface AbsentPeer {
  readonly subject: string;
  readonly case: string;
}

/** The JSON of `--report`. */
export interface Report {
  readonly name: string;
  readonly node: string;
  readonly commit: string;
  readonly rows: readonly ReportRow[];
  readonly absent: readonly AbsentPeer[];
}

/** Rows in the order of the groups. Of a baseline that several groups of a case measured, the first. */
export function reportRows(groups: readonly GroupOutcome[]): readonly ReportRow[] {
  const seen = new Set<string>();
  return groups.flatMap((group) =>
    group.outcomes.flatMap((outcome) => {
      const key = `${group.case}: ${outcome.name}`;
      if (outcome.kind === 'absent' || seen.has(key)) return [];
      seen.add(key);
      return rowsOf(group, outcome);
    }),
  );
}

/** Who was not there. */
export function absentPeers(groups: readonly GroupOutcome[]): readonly AbsentPeer[] {
  return groups.flatMap((group) =>
    group.outcomes
      .filter(({ kind }) => kind === 'absent')
      .map(({ name }) => ({ subject: name, case: group.case })),
  );
}

function rowsOf(
  group: GroupOutcome,
  { name, figures }: Outcome & { kind: 'measured' },
): readonly ReportRow[] {
  const bare = group.outcomes.find((it) => it.name === group.baseline);
  return figures.map(({ metric, unit, value }) => {
    const baseline =
      bare?.kind === 'measured'
        ? (bare.figures.find((it) => it.metric === metric)?.value ?? null)
        : null;
    const ratio = baseline === null || baseline === 0 ? null : value / baseline;
    return { subject: name, case: group.case, metric, unit, value, baseline, ratio };
  });
}
