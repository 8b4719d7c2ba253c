/** From the text of a file to its cases, each ready to be played. */
import { unreachable } from '@leno/std';
import * as z from 'zod';
import type { AccessBed } from './access/access-bed.ts';
import { playAccess } from './access/play-access.ts';
import { type BackendPlays, backendsNamed } from './backend/backend-plays.ts';
import type { Bed } from './bed/bed.ts';
import { playFrames } from './bed/play-frames.ts';
import { playRequest } from './bed/play-request.ts';
import { playResponse } from './bed/play-response.ts';
import { type Play as BedPlay, withControls } from './bed/with-controls.ts';
import { HashVectors } from './hash-vectors-format.ts';
import { Http1Requests } from './http/http1-requests-format.ts';
import { Http1Responses } from './http/http1-responses-format.ts';
import { Http2Frames } from './http/http2-frames-format.ts';
import { PathAuthz } from './http/path-authz-format.ts';
import { judgeHashVectors } from './judge-hash-vectors.ts';
import { UnusableError } from './unusable-error.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** The beds of a run; each is opened when it is first asked for, and shared. */
export interface SharedBeds {
  readonly http: () => Promise<Bed>;
  readonly access: () => Promise<AccessBed>;
}

/** One case, ready to be played. */
export interface Play {
  readonly file: string;
  readonly id: string;
  readonly judge: (beds: SharedBeds) => Promise<Verdict>;
}

const Corpus = z.looseObject({ corpus: z.string(), schemaVersion: z.literal(1) });
const Known = z.discriminatedUnion('corpus', [
  HashVectors,
  Http1Requests,
  Http1Responses,
  Http2Frames,
  PathAuthz,
]);
const known: readonly string[] = Known.options.map((it) => it.shape.corpus.value);

/** Throws `UnusableError` for a file that does not fit its format. */
export function playsOf(file: string, text: string): readonly Play[] {
  const value = parsed(file, text);
  const { corpus } = fitting(file, Corpus, value);
  if (!known.includes(corpus)) throw new UnusableError(`${file}: corpus ${corpus}: not yet`);
  return playsIn(fitting(file, Known, value)).map((it) => ({ file, ...it }));
}

/** The same with real servers in the place of the recorder; only requests can be played so. */
export function backendPlaysOf(
  file: string,
  text: string,
  { names, plays }: { readonly names: string; readonly plays: BackendPlays },
): readonly Play[] {
  const value = parsed(file, text);
  const { corpus } = fitting(file, Corpus, value);
  if (corpus !== 'http1-requests') {
    throw new UnusableError(`${file}: corpus ${corpus} is not played before real servers`);
  }
  const { cases } = fitting(file, Http1Requests, value);
  return backendsNamed(names).flatMap((kind) => plays.playsOf(file, cases, kind));
}

function playsIn(corpus: z.output<typeof Known>): readonly Omit<Play, 'file'>[] {
  switch (corpus.corpus) {
    case 'hash-vectors':
      return corpus.cases.map((it) => ({
        id: it.id,
        judge: () => Promise.resolve(verdictOf(judgeHashVectors(it))),
      }));
    case 'http1-requests':
      return corpus.cases.map((it) => inBed(it.id, (bed) => playRequest(bed, it)));
    case 'http1-responses':
      return corpus.cases.map((it) => inBed(it.id, (bed) => playResponse(bed, it), 2));
    case 'http2-frames':
      return corpus.cases.map((it) => inBed(it.id, (bed) => playFrames(bed, it)));
    case 'path-authz':
      return corpus.cases.map((it) => ({
        id: it.id,
        judge: (beds) => playAccess(it, corpus.policySets, beds.access),
      }));
    default:
      return unreachable(corpus);
  }
}

function inBed(id: string, play: BedPlay, controlCount?: number): Omit<Play, 'file'> {
  return { id, judge: async (beds) => withControls(await beds.http(), play, controlCount) };
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new UnusableError(`${file}: ${String(thrown)}`);
  }
}

function fitting<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UnusableError(`${file} does not fit its format:\n${z.prettifyError(result.error)}`);
}
