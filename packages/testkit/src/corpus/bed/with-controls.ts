/**
 * Plays a case between controls, so that it passes neither because nothing works nor because it
 * broke something. A proxy that fails a control is replaced.
 */
import { type Verdict, verdictOf } from '../verdict.ts';
import type { Bed } from './bed.ts';

/** Gives the first thing that is not as the case expects. */
export type Play = (bed: Bed) => Promise<string | undefined>;

export async function withControls(bed: Bed, play: Play, afterCount = 1): Promise<Verdict> {
  const { recorder } = bed;
  recorder.begin();
  if ((await bed.control()) !== undefined) {
    await bed.restart();
    recorder.begin();
    const again = await bed.control();
    if (again !== undefined) return verdictOf(`control before: ${again}`);
  }
  recorder.begin();
  let problem: string | undefined;
  try {
    problem = await play(bed);
  } catch (thrown) {
    problem = `threw ${String(thrown)}`;
  }
  problem ??= recorder.problems[0];
  const before = recorder.requests.length;
  for (let count = 1; count <= afterCount; count += 1) {
    const after = await bed.control();
    if (after === undefined) continue;
    await bed.restart();
    return verdictOf(problem ?? `control after: ${after}`);
  }
  const late = recorder.requests[before + afterCount];
  problem ??= late === undefined ? undefined : `${late.method} ${late.target} came upstream late`;
  return verdictOf(problem ?? recorder.problems[0]);
}
