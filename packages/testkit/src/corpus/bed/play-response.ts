/** Plays octets that an upstream sends, and judges what the client got of them. */
import { octetsOf } from '../http/bytes-format.ts';
import type { Http1ResponseCase } from '../http/http1-responses-format.ts';
import { judgeOutcome } from '../http/judge-outcome.ts';
import { readReplies } from '../http/reply-reader.ts';
import type { Bed } from './bed.ts';
import { pause, until } from './until.ts';

const WITHIN_MS = 5_000;
/** After the reply, for what should not follow it. */
const QUIET_MS = 100;

/** Gives the first thing that is not as expected. */
export async function playResponse(
  bed: Bed,
  { raw, halfClose = false, expect }: Http1ResponseCase,
): Promise<string | undefined> {
  const discard = expect.upstreamConnection === 'discard';
  bed.recorder.script = { octets: octetsOf(raw), halfClose, discard };
  const client = await bed.connect();
  try {
    await client.write(Buffer.from('GET /case HTTP/1.1\r\nHost: svc.local\r\n\r\n'));
    const repliesOf = () => readReplies(client.octets, ['GET'], client.end);
    await until(() => client.end !== 'open' || repliesOf().finals[0]?.isWhole === true, WITHIN_MS);
    await pause(QUIET_MS);
    return judgeOutcome(repliesOf(), client.end, expect, bed.context.client);
  } finally {
    client.destroy();
  }
}
