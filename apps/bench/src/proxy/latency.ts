/** What a proxy adds to the time that a request takes, at a rate that is far from its limit. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ReportRow } from '../harness/report.ts';
import { latencyCase, type SubjectName } from './cases.ts';
import type { RateAnswer, RateOrder } from './constant-rate-main.ts';
import type { Lineup } from './lineup.ts';
import { LoadError, type LoadTarget } from './load.ts';
import { median } from './median.ts';

const run = promisify(execFile);
const baseline = 'haproxy h2';
const names: readonly SubjectName[] = ['leno pair', baseline, 'envoy h2'];
const generator = new URL('constant-rate-main.ts', import.meta.url).pathname;

/** Without a proxy first, then each pair in turn, `roundCount` times. */
export async function measureLatency(
  lineup: Lineup,
  budget: { readonly roundCount: number; readonly durationS: number },
): Promise<readonly ReportRow[]> {
  const direct = { address: `127.0.0.1:${lineup.upstreams.http}`, authority: 'bench' };
  const targets: (readonly [string, LoadTarget])[] = [['no proxy', direct]];
  for (const name of names) {
    const subject = await lineup.subject(name);
    if (subject !== undefined) targets.push([name, subject.target]);
  }
  const answers = new Map<string, RateAnswer[]>(targets.map(([name]) => [name, []]));
  for (let round = 0; round < budget.roundCount; round += 1) {
    for (const [name, target] of targets) {
      answers.get(name)?.push(await answerOf(lineup, target, budget.durationS));
    }
  }
  return (['p50Us', 'p99Us'] as const).flatMap((part) => latencyRows(answers, part));
}

async function answerOf(
  { bed }: Lineup,
  target: LoadTarget,
  durationS: number,
): Promise<RateAnswer> {
  const order: RateOrder = {
    port: Number(target.address.split(':').at(-1)),
    authority: target.authority,
    path: '/1k',
    perSecond: 2_000,
    durationS,
    warmUpS: 1,
    connectionCount: 64,
  };
  const args = ['-c', String(bed.loadCore), process.execPath, generator, JSON.stringify(order)];
  const { stdout } = await run(bed.programs.taskset, args, { timeout: (durationS + 30) * 1_000 });
  const answer = JSON.parse(stdout) as RateAnswer;
  if (answer.failureCount > 0) {
    throw new LoadError(`${answer.failureCount} requests to ${target.address} failed`);
  }
  return answer;
}

/** What each adds to `no proxy` of the same round, and its ratio to what the baseline adds. */
export function latencyRows(
  answers: ReadonlyMap<string, readonly RateAnswer[]>,
  part: 'p50Us' | 'p99Us',
): readonly ReportRow[] {
  const direct = answers.get('no proxy') ?? [];
  const added = (name: string): number =>
    median((answers.get(name) ?? []).map((it, at) => it[part] - (direct[at]?.[part] ?? 0)));
  const bare = answers.has(baseline) ? added(baseline) : null;
  return [...answers.keys()].map((name) => {
    const isDirect = name === 'no proxy';
    const value = isDirect ? median(direct.map((it) => it[part])) : added(name);
    const metric = part === 'p50Us' ? 'p50' : 'p99';
    const known = isDirect || bare === null || bare <= 0 ? null : bare;
    return {
      subject: name,
      case: latencyCase,
      metric: isDirect ? metric : `${metric} added`,
      unit: 'µs',
      value,
      baseline: known,
      ratio: known === null ? null : value / known,
    };
  });
}
