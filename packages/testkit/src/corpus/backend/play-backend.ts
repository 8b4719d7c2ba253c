/** Plays the octets of a client before a real server, and ordinary requests after them. */
import { systemClock } from '@leno/std';
import type { RequestPlay } from '../bed/play-request.ts';
import { until } from '../bed/until.ts';
import { octetsOf } from '../http/bytes-format.ts';
import { type Replies, readReplies } from '../http/reply-reader.ts';
import type { RequestExpectation } from '../http/seen-format.ts';
import type { Backend } from './backend.ts';
import { judgeBackend, saidBy } from './judge-backend.ts';

const WITHIN_MS = 5_000;
/** So long without an octet, and a connection that stays open has nothing more to say. */
const QUIET_MS = 100;
/** Whatever was left on a kept connection comes before these, or in their replies. */
const AFTER_COUNT = 3;

let afterSum = 0;

/** Gives the first thing that is not as it must be. */
export async function playBackend(
  backend: Backend,
  { raw, halfClose, expect }: RequestPlay & { readonly expect: RequestExpectation },
): Promise<string | undefined> {
  const before = backend.seen.length;
  const octets = octetsOf(raw);
  const client = await backend.connect();
  let replies: Replies;
  try {
    await client.write(octets);
    if (halfClose === true) client.finish();
    const repliesOf = (): Replies => readReplies(client.octets, methodsOf(expect), client.end);
    await until(() => {
      if (client.end !== 'open') return true;
      const { finals, problem } = repliesOf();
      const isQuiet = systemClock.nowMs() - client.lastOctetMs > QUIET_MS;
      return isQuiet && (problem !== undefined || finals.some((it) => it.isWhole));
    }, WITHIN_MS);
    replies = repliesOf();
  } finally {
    client.destroy();
  }
  const targets: string[] = [];
  for (let count = 0; count < AFTER_COUNT; count += 1) {
    afterSum += 1;
    const target = `/after-${process.pid}-${afterSum}`;
    targets.push(target);
    const problem = await ordinary(backend, target);
    if (problem !== undefined) return problem;
  }
  const seen = backend.seen.slice(before);
  const after = targets.map((it) => `GET ${it}`);
  const [firstLine = ''] = /^\S+ \S+/.exec(octets.toString('latin1', 0, 4_096)) ?? [];
  const own = seen.filter((line) => !after.includes(line));
  if (seen.length - own.length !== AFTER_COUNT) return `the server saw ${seen.join(', ')}`;
  const observation = { seen: own, replies, firstLine };
  return judgeBackend(observation, expect, backend.kind.notesWholeOnly) ?? backend.problem;
}

function methodsOf({ forwarded = [] }: RequestExpectation): readonly string[] {
  return forwarded.map(({ method }) => method);
}

/** An ordinary request gets its own answer, and is noted once. */
async function ordinary(backend: Backend, target: string): Promise<string | undefined> {
  const client = await backend.connect();
  try {
    await client.write(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: svc.local\r\n\r\n`));
    const repliesOf = (): Replies => readReplies(client.octets, ['GET'], client.end);
    await until(() => client.end !== 'open' || repliesOf().finals[0]?.isWhole === true, WITHIN_MS);
    const { finals, problem } = repliesOf();
    const [reply] = finals;
    if (problem !== undefined) return `an ordinary request after it: ${problem}`;
    if (reply === undefined) return 'an ordinary request after it got no reply';
    const said = saidBy(reply);
    if (said !== `GET ${target}`) return `GET ${target} was answered ${reply.status} ${said}`;
    const isNoted = await until(() => backend.seen.includes(`GET ${target}`), WITHIN_MS);
    return isNoted ? undefined : `the server has not noted GET ${target}`;
  } finally {
    client.destroy();
  }
}
