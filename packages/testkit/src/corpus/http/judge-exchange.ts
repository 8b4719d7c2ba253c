/**
 * Judges what client and upstreams saw of one HTTP/1.1 case. Pure: the observation comes as a value,
 * so each rule of the format has its test without a proxy.
 */
import { type Recorded, type SeenContext, seenDiffer } from './judge-seen.ts';
import type { Replies, Reply } from './reply-reader.ts';
import type { PathExpectation, RequestExpectation, Seen } from './seen-format.ts';

/** Everything that was seen of a case. */
export interface Observation {
  readonly replies: Replies;
  readonly isClosed: boolean;
  readonly recorded: readonly Recorded[];
  /** Requests that began upstream, never came whole, and whose connections are still open. */
  readonly unfinishedCount: number;
  /** Whether a connection may stay open on which a request was refused. */
  readonly mayLast?: boolean | undefined;
  /** All octets that came to upstreams. */
  readonly upstreamOctets: string;
}

type Expectation = RequestExpectation | PathExpectation;

/** The first thing that is not as expected. */
export function judgeExchange(
  seen: Observation,
  expect: Expectation,
  context: SeenContext,
): string | undefined {
  return neverHappened(seen, expect) ?? judgeVerdict(seen, expect, context);
}

function neverHappened({ replies, upstreamOctets }: Observation, expect: Expectation) {
  if (replies.problem !== undefined) return `the client got what is not HTTP: ${replies.problem}`;
  const statuses = [...replies.interims, ...replies.finals.map(({ status }) => status)];
  const bad = statuses.find((it) => expect.neverStatus?.includes(it));
  if (bad !== undefined) return `the client got ${bad}`;
  const sought = expect.neverUpstream?.find((it) => lower(upstreamOctets).includes(lower(it)));
  return sought === undefined ? undefined : `${JSON.stringify(sought)} came upstream`;
}

function judgeVerdict(
  seen: Observation,
  expect: Expectation,
  context: SeenContext,
): string | undefined {
  const isLasting = expect.verdict === 'DENY' || seen.mayLast === true;
  switch (expect.verdict) {
    case 'REJECT':
    case 'DENY':
      return notRejected(seen, expect, isLasting);
    case 'ACCEPT':
      return notAccepted(seen, expect, context, expect.forwarded ?? []);
    default: {
      const lists = [expect.forwarded ?? [], ...(expect.orForwarded ?? [])];
      const refused = notRejected(seen, expect, isLasting);
      const problems = [refused, ...lists.map((list) => notAccepted(seen, expect, context, list))];
      if (problems.includes(undefined)) return undefined;
      return `neither refused (${refused}) nor accepted (${problems.slice(1).join('; ')})`;
    }
  }
}

function notRejected(
  { replies, isClosed, recorded, unfinishedCount }: Observation,
  expect: Expectation,
  mayLast: boolean,
): string | undefined {
  const status = replies.finals[0]?.status;
  const first = recorded[0];
  if (first !== undefined) return `${first.method} ${first.target} came upstream`;
  if (status === undefined && !isClosed) return 'no reply, and the connection stays open';
  if (status !== undefined && expect.status?.includes(status) !== true) {
    return `status ${status}, not ${expect.status?.join(' or ')}`;
  }
  // EITHER lets a connection live whose request was well answered.
  const isKept = mayLast || (expect.verdict === 'EITHER' && status !== undefined && status < 400);
  if (!isClosed && (!isKept || expect.closed === true)) return 'the connection stays open';
  if (unfinishedCount > 0) return 'a request that began upstream was not destroyed';
  return undefined;
}

function notAccepted(
  seen: Observation,
  expect: Expectation,
  context: SeenContext,
  forwarded: readonly Seen[],
): string | undefined {
  const { finals } = seen.replies;
  const problem = seenDiffer(seen.recorded, forwarded, context);
  if (problem !== undefined) return problem;
  const wanted = expect.responses ?? forwarded.map(() => 200);
  const got = finals.map(({ status }) => status);
  if (got.join() !== wanted.join()) return `statuses ${got.join()}, not ${wanted.join()}`;
  for (const [at, reply] of finals.entries()) {
    const request = seen.recorded[at];
    const wrong = request === undefined ? undefined : answersOther(reply, request);
    if (wrong !== undefined) return `reply ${at + 1} ${wrong}`;
  }
  if (expect.closed === true && !seen.isClosed) return 'the connection stays open';
  return undefined;
}

/** A reply of the recorder repeats what it answers. */
export function answersOther(reply: Reply, request: Recorded): string | undefined {
  if (!reply.isWhole) return 'does not end';
  if (reply.status !== 200) return undefined;
  const { method, target } = request;
  if (method === 'HEAD') return reply.body.length === 0 ? undefined : 'has a body for HEAD';
  const should = recorderBody(method, target);
  const is = reply.body.toString('latin1');
  return is === should ? undefined : `is ${JSON.stringify(is.slice(0, 100))}, not ${should}`;
}

/** What the recorder answers. */
export function recorderBody(method: string, target: string): string {
  return JSON.stringify({ method, target });
}

/** Names that the proxy has put into `recorded`, a request that was sent with these fields only. */
export function addedFields(recorded: Recorded, sent: readonly string[]): readonly string[] {
  const names = new Set(recorded.fields.map(([name]) => name.toLowerCase()));
  return [...names].filter((name) => !sent.includes(name));
}

/** ASCII only, since octets above are no letters. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
