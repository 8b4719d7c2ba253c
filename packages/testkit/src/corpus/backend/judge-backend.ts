/**
 * Whether a real server took anything for a request that is none. Pure: what was noted and answered
 * comes as values.
 */
import type { Replies, Reply } from '../http/reply-reader.ts';
import type { RequestExpectation } from '../http/seen-format.ts';

/** What was seen of a case played before a real server. */
export interface BackendObservation {
  /** What the server noted, `METHOD TARGET` each, without the requests that came after the case. */
  readonly seen: readonly string[];
  readonly replies: Replies;
  /** `METHOD TARGET` of the case's own first line. */
  readonly firstLine: string;
}

/** The first thing that is not as it must be. A real server may refuse what the case allows. */
export function judgeBackend(
  { seen, replies, firstLine }: BackendObservation,
  expect: RequestExpectation,
  notesWholeOnly: boolean,
): string | undefined {
  if (replies.problem !== undefined) return `the client got what is not HTTP: ${replies.problem}`;
  const lists = allowedOf(expect);
  // A server that notes heads may have noted the one whose body then broke off.
  if (!notesWholeOnly) lists.push([firstLine]);
  const fitting = lists.filter((list) => isWithin(seen, list));
  if (fitting.length === 0) return `the server saw ${seen.join(', ')}`;
  const wrong = replies.finals.find((reply, at) => answersOther(reply, seen[at]));
  return wrong === undefined ? undefined : `a reply is ${JSON.stringify(textOf(wrong))}`;
}

function allowedOf(expect: RequestExpectation): string[][] {
  if (expect.verdict === 'REJECT') return [[]];
  const lists = [expect.forwarded ?? [], ...(expect.orForwarded ?? [])];
  return lists.map((list) =>
    list.map(({ method, target, targetOneOf }) => `${method} ${target ?? targetOneOf?.[0]}`),
  );
}

/** Whether it is the list, or what is left of it where requests were refused. */
function isWithin(seen: readonly string[], list: readonly string[]): boolean {
  let at = 0;
  for (const line of seen) {
    while (at < list.length && list[at] !== line) at += 1;
    if (at === list.length) return false;
    at += 1;
  }
  return true;
}

/** A reply of the server itself says which request it answers. */
function answersOther(reply: Reply, line: string | undefined): boolean {
  const said = saidBy(reply);
  return said !== undefined && said !== line;
}

/** The request that a reply says it answers; undefined for those of the proxy, and without a body. */
export function saidBy(reply: Reply): string | undefined {
  return /(?:^|: )seen (\S+ \S+)/m.exec(textOf(reply))?.[1];
}

function textOf({ fields, body }: Reply): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  return [...lines, body.toString('latin1')].join('\n');
}
