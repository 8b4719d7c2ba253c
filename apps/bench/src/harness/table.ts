/** What a run of a benchmark says, for people: ratios first. */
import { closingLineOf, type Goal, goalOf, verdictOf } from './goals.ts';
import type { Report, ReportRow } from './report.ts';

/** One block a case, one line a subject. */
export function tableOf(report: Report, goals: readonly Goal[]): string {
  const cases = new Set([...report.rows, ...report.absent].map((it) => it.case));
  const blocks = [...cases].map((name) => blockOf(name, report, goals));
  return [...blocks, closingLineOf(report, goals)].join('\n\n');
}

function blockOf(name: string, report: Report, goals: readonly Goal[]): string {
  const rows = report.rows.filter((it) => it.case === name);
  const isTimed = rows.some((it) => it.metric === 'time');
  const subjects = [...new Set(rows.map((it) => it.subject))];
  const head = isTimed
    ? line(['ratio', 'ns min', 'ns median', 'B'], 'subject')
    : line(['ratio', rows[0]?.unit ?? ''], 'subject');
  const lines = subjects.map((subject) => {
    const own = rows.filter((it) => it.subject === subject);
    const metrics = isTimed ? ['time', 'time-median', 'allocated'] : [own[0]?.metric ?? ''];
    const figures = metrics.map((metric) => figure(own.find((it) => it.metric === metric)?.value));
    const ratio = own[0]?.ratio ?? null;
    const cells = [ratio === null ? '' : `${ratio.toFixed(2)}×`, ...figures];
    return line(cells, [subject, ...own.flatMap((row) => verdictText(goals, row))].join('  '));
  });
  const absent = report.absent.filter((it) => it.case === name);
  const gaps = absent.map(({ subject }) =>
    line(head.includes('median') ? ['', '', '', ''] : ['', ''], `${subject}: absent`),
  );
  return [`── ${name}`, head, ...lines, ...gaps].join('\n');
}

function verdictText(goals: readonly Goal[], row: ReportRow): readonly string[] {
  const goal = goalOf(goals, row);
  if (goal === undefined) return [];
  const bound = {
    value: `≤ ${goal.max} ${row.unit}`,
    ratio: `≤ ${goal.max}×`,
    excess: `≤ ${goal.max} ${row.unit} more`,
  };
  return [`[${bound[goal.of]}: ${verdictOf(goal, row)}]`];
}

function line(cells: readonly string[], last: string): string {
  return [...cells.map((cell) => cell.padStart(11)), ` ${last}`].join(' ');
}

function figure(value: number | undefined): string {
  if (value === undefined) return '';
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : Math.round(value).toString();
}
