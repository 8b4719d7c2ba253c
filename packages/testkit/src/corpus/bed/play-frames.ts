/** Plays frames of HTTP/2, and judges what the proxy made of them. */
import { systemClock, unreachable } from '@leno/std';
import { encodeFrame, PREFACE } from '../http/frames.ts';
import { H2Observer } from '../http/h2-observer.ts';
import type { Action, Http2FramesCase } from '../http/http2-frames-format.ts';
import { judgeFrames } from '../http/judge-frames.ts';
import type { Bed } from './bed.ts';
import type { RawClient } from './raw-client.ts';
import { pause, until } from './until.ts';
import { UsageWatch } from './usage-watch.ts';

const WITHIN_MS = 5_000;
const QUIET_MS = 200;
const BATCH_BYTES = 64 * 1024;

/** Gives the first thing that is not as expected. */
export async function playFrames(
  bed: Bed,
  { actions, expect }: Http2FramesCase,
): Promise<string | undefined> {
  const usage = expect.limits === undefined ? undefined : await UsageWatch.begin(bed);
  const problem = await playConnection(bed, { actions, expect });
  const used = expect.limits === undefined ? undefined : await usage?.end(expect.limits);
  return problem ?? used;
}

type Case = Pick<Http2FramesCase, 'actions' | 'expect'>;

async function playConnection(bed: Bed, { actions, expect }: Case): Promise<string | undefined> {
  const { recorder } = bed;
  const h2 = new H2Observer();
  const client = await bed.connect((chunk) => h2.take(chunk));
  const deadlineMs = systemClock.nowMs() + (expect.deadlineMs ?? WITHIN_MS);
  const opened: number[] = [];
  const judge = (): string | undefined => {
    const { requests, concurrentPeak } = recorder;
    const isClosed = client.end !== 'open';
    const seen = { h2, isClosed, recorded: requests, concurrentPeak, opened };
    return judgeFrames(seen, expect, bed.context);
  };
  try {
    for (const action of actions) {
      if (action.do === 'expect') {
        const { frame, stream, withinMs = WITHIN_MS } = action;
        const came = await until(() => h2.has(frame, stream), withinMs);
        if (!came) return `no ${frame} within ${withinMs} ms`;
      } else if (client.end === 'open') {
        await act(client, action, opened);
      }
    }
    // A connection that lasted longer than its deadline while it was played has its second chance.
    const leftMs = Math.max(QUIET_MS, deadlineMs - systemClock.nowMs());
    await until(() => judge() === undefined, leftMs);
    const isRejected = expect.verdict.endsWith('REJECT');
    if (isRejected) await until(() => recorder.unfinishedCount === 0, WITHIN_MS);
    await pause(QUIET_MS);
    const isLeft = isRejected && recorder.unfinishedCount > 0;
    return judge() ?? (isLeft ? 'a request that began upstream was not destroyed' : undefined);
  } finally {
    client.destroy();
    await until(() => recorder.unfinishedCount === 0, WITHIN_MS);
  }
}

async function act(
  client: RawClient,
  action: Exclude<Action, { readonly do: 'expect' }>,
  opened: number[],
): Promise<void> {
  switch (action.do) {
    case 'preface':
      return client.write(PREFACE);
    case 'frame':
      if (action.type === 'HEADERS' && action.stream !== 'loop') opened.push(action.stream);
      return client.write(encodeFrame(action, 0));
    case 'wait':
      await until(() => client.end !== 'open', action.ms);
      return undefined;
    case 'loop':
      return repeat(client, action, opened);
    default:
      return unreachable(action);
  }
}

async function repeat(
  client: RawClient,
  { times, stream = { first: 0, step: 0 }, actions }: Extract<Action, { readonly do: 'loop' }>,
  opened: number[],
): Promise<void> {
  let batch: Buffer[] = [];
  let batchBytes = 0;
  for (let round = 0; round < times && client.end === 'open'; round += 1) {
    const id = stream.first + stream.step * round;
    for (const action of actions) {
      if (action.type === 'HEADERS') opened.push(action.stream === 'loop' ? id : action.stream);
      const octets = encodeFrame(action, id);
      batch.push(octets);
      batchBytes += octets.length;
    }
    if (batchBytes < BATCH_BYTES) continue;
    await client.write(Buffer.concat(batch));
    batch = [];
    batchBytes = 0;
  }
  await client.write(Buffer.concat(batch));
}
