/** The process that measures: takes a `GroupsRequest` as its argument, sends the outcomes, ends. */
import { groupsOf } from './benchmarks.ts';
import type { GroupOutcome } from './harness/group.ts';
import { fullBudget, measureGroup, quickBudget, sunk } from './harness/measure.ts';
import type { GroupsRequest } from './harness/run-groups.ts';

const { name, cases, isQuick } = JSON.parse(process.argv[2] ?? '') as GroupsRequest;
const outcomes: GroupOutcome[] = [];
for (const group of await groupsOf(name)) {
  if (!cases.includes(group.case)) continue;
  outcomes.push(await measureGroup(group, isQuick ? quickBudget : fullBudget));
}
if (Number.isNaN(sunk())) console.error('a subject gave no number');
// Peers leave timers behind, which would keep the process alive.
process.send?.(outcomes, () => process.exit(0));
