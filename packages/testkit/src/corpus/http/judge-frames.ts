/** Judges what was seen of a case of HTTP/2 frames. Pure. */
import { unreachable } from '@leno/std';
import type { H2Observer } from './h2-observer.ts';
import type { FramesExpectation } from './http2-frames-format.ts';
import { type Recorded, type SeenContext, seenDiffer } from './judge-seen.ts';

/** Everything that was seen. */
export interface FramesObservation {
  readonly h2: Pick<H2Observer, 'statuses' | 'resets' | 'goaways'>;
  readonly isClosed: boolean;
  readonly recorded: readonly Recorded[];
  /** Most requests that were open upstream at one time. */
  readonly concurrentPeak: number;
  /** Streams that the case has opened. */
  readonly opened: readonly number[];
}

/** The first thing that is not, or not yet, as expected. */
export function judgeFrames(
  seen: FramesObservation,
  expect: FramesExpectation,
  context: SeenContext,
): string | undefined {
  const { completeMax = Number.POSITIVE_INFINITY } = expect;
  const { length } = seen.recorded;
  if (length > completeMax) return `${length} complete requests upstream, at most ${completeMax}`;
  const problem = judgeVerdict(seen, expect, context);
  if (problem !== undefined) return problem;
  if (expect.closed === true && !seen.isClosed) return 'the connection stays open';
  return undefined;
}

function judgeVerdict(
  seen: FramesObservation,
  expect: FramesExpectation,
  context: SeenContext,
): string | undefined {
  switch (expect.verdict) {
    case 'ACCEPT':
      return notAccepted(seen, expect, context);
    case 'STREAM_REJECT':
      return streamLives(seen, expect);
    case 'CONNECTION_REJECT':
      return connectionLives(seen, expect);
    case 'LIMIT':
      return notLimited(seen, expect);
    case 'EITHER': {
      const refused = streamLives(seen, expect);
      const accepted = notAccepted(seen, expect, context);
      if (refused === undefined || accepted === undefined) return undefined;
      return `neither refused (${refused}) nor accepted (${accepted})`;
    }
    default:
      return unreachable(expect.verdict);
  }
}

function notAccepted(
  { h2, recorded, opened }: FramesObservation,
  expect: FramesExpectation,
  context: SeenContext,
): string | undefined {
  const stream = streamOf(opened, expect);
  const status = h2.statuses.get(stream);
  const problem = seenDiffer(recorded, expect.forwarded ?? [], context);
  if (problem !== undefined) return problem;
  if (status === 200 && !h2.resets.has(stream)) return undefined;
  return `stream ${stream} is ${told(h2, stream)}, not answered 200`;
}

function streamLives(seen: FramesObservation, expect: FramesExpectation): string | undefined {
  const { h2, opened } = seen;
  const stream = streamOf(opened, expect);
  // Behind an answer, NO_ERROR only says that the rest of the request is unwanted (RFC 9113 §8.1).
  const status = h2.statuses.get(stream);
  if (status !== undefined && expect.status?.includes(status) === true) return undefined;
  const code = h2.resets.get(stream);
  if (code !== undefined) return badCode('RST_STREAM', code, expect);
  const connection = connectionLives(seen, expect);
  if (connection === undefined) return undefined;
  return `stream ${stream} is ${told(h2, stream)}, not refused; ${connection}`;
}

function connectionLives(
  { h2, isClosed }: FramesObservation,
  expect: FramesExpectation,
): string | undefined {
  const code = h2.goaways.find((it) => it !== 0) ?? h2.goaways[0];
  if (code !== undefined) return badCode('GOAWAY', code, expect);
  return isClosed ? undefined : 'the connection goes on';
}

function notLimited(seen: FramesObservation, expect: FramesExpectation): string | undefined {
  const { h2, isClosed, concurrentPeak, opened } = seen;
  const { concurrentMax = Number.POSITIVE_INFINITY } = expect;
  if (concurrentPeak > concurrentMax) return `${concurrentPeak} open upstream at one time`;
  for (const code of h2.resets.values()) {
    const problem = badCode('RST_STREAM', code, expect);
    if (problem !== undefined) return problem;
  }
  if (isClosed) return undefined;
  const [goaway] = h2.goaways;
  if (goaway !== undefined) return badCode('GOAWAY', goaway, expect);
  const left = new Set(opened).size - h2.resets.size;
  return left > concurrentMax ? `${left} streams are neither refused nor done` : undefined;
}

function badCode(frame: string, code: number, { codes }: FramesExpectation): string | undefined {
  if (code === 0) return `${frame} says NO_ERROR`;
  if (codes === undefined || codes.includes(code)) return undefined;
  return `${frame} with code ${code}, not ${codes.join(' or ')}`;
}

/** The stream of the case; where it names none, the one that it opens first. */
function streamOf(opened: readonly number[], { stream }: FramesExpectation): number {
  return stream ?? opened[0] ?? 1;
}

function told(h2: FramesObservation['h2'], stream: number): string {
  const code = h2.resets.get(stream);
  if (code !== undefined) return `reset with code ${code}`;
  const status = h2.statuses.get(stream);
  return status === undefined ? 'not answered' : `answered ${status}`;
}
