/** The report of proxies for people: ratios first, ours with the goals. */
import { closingLineOf, type Goal, goalOf, verdictOf } from '../harness/goals.ts';
import type { Report, ReportRow } from '../harness/report.ts';

/** One block a case, one line a figure. */
export function proxyTableOf(report: Report, goals: readonly Goal[]): string {
  const names = new Set([...report.rows, ...report.absent].map((it) => it.case));
  const blocks = [...names].map((name) => {
    const rows = report.rows.filter((it) => it.case === name).map((row) => lineOf(row, goals));
    const absent = report.absent
      .filter((it) => it.case === name)
      .map(({ subject }) => cells('', '', `${subject}: absent`));
    return [`── ${name}`, cells('ratio', 'figure', 'subject'), ...rows, ...absent].join('\n');
  });
  return [...blocks, closingLineOf(report, goals)].join('\n\n');
}

function lineOf(row: ReportRow, goals: readonly Goal[]): string {
  const goal = goalOf(goals, row);
  const bound = goal?.of === 'value' ? `≤ ${goal.max} ${row.unit}` : `≤ ${goal?.max}×`;
  const verdict = goal === undefined ? '' : `  [${bound}: ${verdictOf(goal, row)}]`;
  const what = row.metric === 'cpu' || row.metric === 'count' ? '' : `, ${row.metric}`;
  const ratio = row.ratio === null ? '' : `${row.ratio.toFixed(2)}×`;
  const figure = row.value < 100 ? row.value.toFixed(1) : Math.round(row.value).toString();
  return cells(ratio, `${figure} ${row.unit}`, `${row.subject}${what}${verdict}`);
}

function cells(ratio: string, figure: string, subject: string): string {
  return `${ratio.padStart(9)} ${figure.padStart(12)}  ${subject}`;
}
