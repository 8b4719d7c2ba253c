/** Plays octets that a client sends, and judges what came of them. */
import { systemClock } from '@leno/std';
import type { Bytes } from '../http/bytes-format.ts';
import { octetsOf } from '../http/bytes-format.ts';
import { judgeExchange, type Observation } from '../http/judge-exchange.ts';
import { type Replies, readReplies } from '../http/reply-reader.ts';
import type { PathExpectation, RequestExpectation } from '../http/seen-format.ts';
import type { Bed } from './bed.ts';
import type { RawClient } from './raw-client.ts';
import { until } from './until.ts';

const WITHIN_MS = 5_000;
/** So long without an octet anywhere, and nothing more can come. */
const QUIET_MS = 200;

export interface RequestPlay {
  readonly raw: Bytes;
  readonly halfClose?: boolean | undefined;
  /** Whether the connection may stay open although the request is refused. */
  readonly mayLast?: boolean | undefined;
  readonly expect: RequestExpectation | PathExpectation;
}

/** Sends it all at once; gives the first thing that is not as expected. */
export async function playRequest(
  bed: Bed,
  { raw, halfClose, mayLast, expect }: RequestPlay,
): Promise<string | undefined> {
  const client = await bed.connect();
  try {
    await client.write(octetsOf(raw));
    if (halfClose === true) client.finish();
    const observe = (): Observation => ({ ...observationOf(bed, client, expect), mayLast });
    await settle(bed, client, expect);
    const seen = observe();
    if (mayLast !== true && wantsEnd(seen.replies, expect)) {
      await until(() => client.end !== 'open', WITHIN_MS);
      await until(() => bed.recorder.unfinishedCount === 0, WITHIN_MS);
    }
    return judgeExchange(observe(), expect, bed.context);
  } finally {
    client.destroy();
  }
}

function observationOf(bed: Bed, client: RawClient, expect: RequestPlay['expect']): Observation {
  const { recorder } = bed;
  return {
    replies: repliesOf(client, expect),
    isClosed: client.end !== 'open',
    recorded: [...recorder.requests],
    unfinishedCount: recorder.unfinishedCount,
    upstreamOctets: recorder.octets,
  };
}

/** Waits until the connection has ended, or all replies have come and nothing more moves. */
async function settle(bed: Bed, client: RawClient, expect: RequestPlay['expect']): Promise<void> {
  const { recorder } = bed;
  const leastCount = leastReplyCount(expect);
  const isQuiet = (): boolean => {
    const lastMs = Math.max(client.lastOctetMs, recorder.lastOctetMs);
    return !recorder.isBusy && systemClock.nowMs() - lastMs > QUIET_MS;
  };
  await until(() => {
    if (client.end !== 'open') return isQuiet();
    if (!isQuiet()) return false;
    const { finals, problem } = repliesOf(client, expect);
    return (
      problem !== undefined || (finals.length >= leastCount && finals.every((it) => it.isWhole))
    );
  }, WITHIN_MS);
}

function leastReplyCount(expect: RequestPlay['expect']): number {
  if (expect.verdict !== 'ACCEPT') return 1;
  return expect.responses?.length ?? expect.forwarded?.length ?? 1;
}

/** Whether the connection, or what has begun upstream, has to end besides. */
function wantsEnd({ finals }: Replies, expect: RequestPlay['expect']): boolean {
  if (expect.closed === true || expect.verdict === 'REJECT') return true;
  return expect.verdict === 'EITHER' && (finals[0]?.status ?? 400) >= 400;
}

function repliesOf(client: RawClient, { forwarded = [] }: RequestPlay['expect']): Replies {
  return readReplies(
    client.octets,
    forwarded.map(({ method }) => method),
    client.end,
  );
}
