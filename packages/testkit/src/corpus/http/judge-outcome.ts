/** Judges what a client observed of a reply that its upstream had sent as raw octets. Pure. */
import { unreachable } from '@leno/std';
import { octetsOf } from './bytes-format.ts';
import { fieldsDiffer } from './fields.ts';
import type { Outcome } from './http1-responses-format.ts';
import type { ConnectionEnd, Replies } from './reply-reader.ts';

/** The first thing that none of the outcomes allows. */
export function judgeOutcome(
  replies: Replies,
  end: ConnectionEnd,
  expect: { readonly oneOf: readonly Outcome[]; readonly maxInterim?: number | undefined },
  client: string,
): string | undefined {
  if (replies.problem !== undefined) return `the client got what is not HTTP: ${replies.problem}`;
  const { length } = replies.interims;
  if (length > (expect.maxInterim ?? Number.POSITIVE_INFINITY)) return `${length} interim replies`;
  if (replies.finals.length > 1) return `${replies.finals.length} replies to one request`;
  const problems = expect.oneOf.map((it) => outcomeDiffers(replies, end, it, client));
  return problems.includes(undefined) ? undefined : problems.join('; ');
}

function outcomeDiffers(
  { finals: [reply] }: Replies,
  end: ConnectionEnd,
  expected: Outcome,
  client: string,
): string | undefined {
  if (reply === undefined) return `${expected.outcome}: no reply (connection ${end})`;
  const { status, isWhole, body, framing } = reply;
  const is = `status ${status}${isWhole ? '' : ' and no end'}, connection ${end}`;
  switch (expected.outcome) {
    case 'BAD_GATEWAY':
      return status === 502 && isWhole ? undefined : `not BAD_GATEWAY: ${is}`;
    case 'ABORT':
      return !isWhole && end !== 'open' ? undefined : `not ABORT: ${is}`;
    case 'DELIVER':
      if (status !== expected.status || !isWhole) return `not DELIVER: ${is}`;
      if (!octetsOf(expected.body).equals(body)) {
        return `body ${JSON.stringify(body.toString('latin1').slice(0, 100))}`;
      }
      if (expected.framing !== undefined && framing !== expected.framing) {
        return `framed by ${framing}, not ${expected.framing}`;
      }
      return fieldsDiffer(reply, expected, client);
    default:
      return unreachable(expected);
  }
}
