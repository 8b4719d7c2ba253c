import { expect, test } from 'vitest';
import { type Goal, readGoals, verdictOf } from './goals.ts';
import type { Group, GroupOutcome, Run } from './group.ts';
import { measureGroup, quickBudget } from './measure.ts';
import { absentPeers, type ReportRow, reportRows } from './report.ts';
import { tableOf } from './table.ts';

const sync: Run = { kind: 'sync', run: (count) => count };
const async: Run = { kind: 'async', run: async (count) => count };

const missing = (): never => {
  throw Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' });
};

test('subjects are measured in order, and one whose package is missing is absent', async () => {
  const group: Group = {
    kind: 'timed',
    case: 'a',
    baseline: 'two',
    subjects: [
      { name: 'one', load: () => sync },
      { name: 'gone', load: missing },
      { name: 'two', load: () => async },
    ],
  };
  const { outcomes, baseline } = await measureGroup(group, quickBudget);
  expect(baseline).toBe('two');
  expect(outcomes.map(({ kind, name }) => `${name} ${kind}`)).toEqual([
    'one measured',
    'gone absent',
    'two measured',
  ]);
});

test('a subject that fails otherwise fails the run', async () => {
  const load = (): never => {
    throw new Error('broken');
  };
  const subjects = [{ name: 'one', load }];
  const measuring = measureGroup({ kind: 'timed', case: 'a', subjects }, quickBudget);
  await expect(measuring).rejects.toThrow('broken');
});

const time = (value: number) => ({ metric: 'time', unit: 'ns', value });
const outcome: GroupOutcome = {
  case: 'a',
  baseline: 'bare',
  outcomes: [
    { kind: 'measured', name: 'bare', figures: [time(40)] },
    { kind: 'measured', name: 'ours', figures: [time(44)] },
    { kind: 'absent', name: 'theirs' },
  ],
};

test('ratios are to the baseline of the group', () => {
  expect(reportRows([outcome]).map(({ subject, ratio }) => [subject, ratio])).toEqual([
    ['bare', 1],
    ['ours', 1.1],
  ]);
  expect(reportRows([{ ...outcome, baseline: null }]).map((it) => it.ratio)).toEqual([null, null]);
});

test('of a baseline that is measured with each subject, the first is reported', () => {
  const measured = (name: string, value: number) =>
    ({ kind: 'measured', name, figures: [time(value)] }) as const;
  const parts = [
    { case: 'a', baseline: 'bare', outcomes: [measured('bare', 40), measured('one', 44)] },
    { case: 'a', baseline: 'bare', outcomes: [measured('bare', 50), measured('two', 60)] },
  ];
  expect(reportRows(parts).map(({ subject, ratio }) => [subject, ratio])).toEqual([
    ['bare', 1],
    ['one', 1.1],
    ['two', 1.2],
  ]);
});

const row: ReportRow = {
  subject: 'ours',
  case: 'a',
  metric: 'time',
  unit: 'ns',
  value: 44,
  baseline: 40,
  ratio: 1.1,
};
const goal = (of: Goal['of'], max: number): Goal => ({
  case: 'a',
  subject: 'ours',
  metric: 'time',
  of,
  max,
});

test.each([
  { value: 44, of: 'value', max: 44, verdict: 'met' },
  { value: 44, of: 'value', max: 43, verdict: 'missed' },
  { value: 44.1, of: 'ratio', max: 1.1, verdict: 'met' },
  { value: 44.4, of: 'ratio', max: 1.1, verdict: 'missed' },
  { value: 44.4, of: 'excess', max: 4, verdict: 'met' },
  { value: 44.6, of: 'excess', max: 4, verdict: 'missed' },
] as const)('$value beside 40, $of at most $max: $verdict', ({ value, of, max, verdict }) => {
  expect(verdictOf(goal(of, max), { ...row, value, ratio: value / 40 })).toBe(verdict);
});

test('a goal that needs a baseline is missed without one', () => {
  expect(verdictOf(goal('ratio', 2), { ...row, baseline: null, ratio: null })).toBe('missed');
});

test('the table shows ratios first, verdicts and who is absent', () => {
  const groups = [outcome];
  const rows = reportRows(groups);
  const report = { name: 'x', node: 'v1', commit: 'c', rows, absent: absentPeers(groups) };
  const lines = tableOf(report, [goal('ratio', 1.1), { ...goal('value', 3), subject: 'bare' }])
    .split('\n')
    .map((it) => it.trim().replaceAll(/ +/g, ' '));
  expect(lines).toEqual([
    '── a',
    'ratio ns min ns median B subject',
    '1.00× 40.0 bare [≤ 3 ns: missed]',
    '1.10× 44.0 ours [≤ 1.1×: met]',
    'theirs: absent',
    '',
    'x: goals: 1 met, 1 missed; node v1, commit c',
  ]);
});

test('goals are told apart by case, subject and metric', () => {
  const keys = readGoals().map((it) => `${it.case}: ${it.subject}, ${it.metric}`);
  expect(keys).toEqual([...new Set(keys)]);
});
