/** The process that measures: takes a `GroupsRequest` as its argument, sends the outcomes, ends. */
import { groupsOf } from './benchmarks.ts';
import type { Group, GroupOutcome } from './harness/group.ts';
import { fullBudget, measureGroup, quickBudget, sunk } from './harness/measure.ts';
import type { GroupsRequest } from './harness/run-groups.ts';

const { name, cases, subject, isQuick } = JSON.parse(process.argv[2] ?? '') as GroupsRequest;
function only(group: Group, name: string): Group {
  if (group.kind === 'figures') return group;
  const subjects = group.subjects.filter((it) => it.name === name || it.name === group.baseline);
  return { ...group, subjects };
}

const outcomes: GroupOutcome[] = [];
for (const group of await groupsOf(name)) {
  if (!cases.includes(group.case)) continue;
  const part = subject === undefined ? group : only(group, subject);
  outcomes.push(await measureGroup(part, isQuick ? quickBudget : fullBudget));
}
if (Number.isNaN(sunk())) console.error('a subject gave no number');
// Peers leave timers behind, which would keep the process alive.
process.send?.(outcomes, () => process.exit(0));
