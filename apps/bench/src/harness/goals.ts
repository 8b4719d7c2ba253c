/** What the project wants of its own figures; a missed goal is printed, and fails nothing. */
import { readFileSync } from 'node:fs';
import type { Report, ReportRow } from './report.ts';

/** One goal. `of` says what is bounded: the figure, its ratio to the baseline, or what is beyond it. */
export interface Goal {
  readonly case: string;
  readonly subject: string;
  readonly metric: string;
  readonly of: 'value' | 'ratio' | 'excess';
  readonly max: number;
}

export type Verdict = 'met' | 'missed';

/** The committed goals. */
export function readGoals(): readonly Goal[] {
  const text = readFileSync(new URL('goals.json', import.meta.url), 'utf8');
  return JSON.parse(text) as readonly Goal[];
}

export function goalOf(goals: readonly Goal[], row: ReportRow): Goal | undefined {
  return goals.find(
    (it) => it.case === row.case && it.subject === row.subject && it.metric === row.metric,
  );
}

/** Whether a row keeps to its goal, to the precision that is printed; never without a baseline it needs. */
export function verdictOf(goal: Goal, row: ReportRow): Verdict {
  const { value, baseline, ratio } = row;
  const excess = baseline === null ? null : Math.round(value - baseline);
  const figure = { value, ratio: ratio === null ? null : Math.round(ratio * 100) / 100, excess }[
    goal.of
  ];
  return figure !== null && figure <= goal.max ? 'met' : 'missed';
}

/** The last line of a table: how many goals were met, and what was measured. */
export function closingLineOf(report: Report, goals: readonly Goal[]): string {
  const verdicts = report.rows.flatMap((row) => {
    const goal = goalOf(goals, row);
    return goal === undefined ? [] : [verdictOf(goal, row)];
  });
  const metCount = verdicts.filter((it) => it === 'met').length;
  const summary = `goals: ${metCount} met, ${verdicts.length - metCount} missed`;
  return `${report.name}: ${summary}; node ${report.node}, commit ${report.commit}`;
}
