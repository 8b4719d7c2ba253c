/**
 * Reads the replies that a client got on one connection, from all of its octets: strictly, since what
 * a proxy sends has no excuse. Pure, and asked again when more has come.
 */
import type { FieldLine } from './fields.ts';

/** How the connection stands: may give more, ended in order, or broken off. */
export type ConnectionEnd = 'open' | 'ended' | 'reset';

export interface Reply {
  readonly status: number;
  readonly fields: readonly FieldLine[];
  readonly trailers: readonly FieldLine[];
  readonly body: Buffer;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** False while its end has not come. */
  readonly isWhole: boolean;
}

export interface Replies {
  readonly finals: readonly Reply[];
  readonly interims: readonly number[];
  /** What is not HTTP at all. */
  readonly problem: string | undefined;
}

interface Framed {
  readonly body: Buffer;
  readonly trailers: readonly FieldLine[];
  readonly framing: Reply['framing'];
  /** Where the next message begins; undefined while the end of this one has not come. */
  readonly next: number | undefined;
}

class MalformedError extends Error {}

/** `methods` are those of the requests, in order; beyond them it is GET. */
export function readReplies(
  octets: Buffer,
  methods: readonly string[],
  end: ConnectionEnd,
): Replies {
  const finals: Reply[] = [];
  const interims: number[] = [];
  try {
    for (let at: number | undefined = 0; at !== undefined && at < octets.length; ) {
      const headEnd: number = octets.indexOf('\r\n\r\n', at);
      if (headEnd < 0) break;
      const { status, fields } = readHead(octets.toString('latin1', at, headEnd));
      if (status < 200 && status !== 101) {
        interims.push(status);
        at = headEnd + 4;
        continue;
      }
      const isBare =
        methods[finals.length] === 'HEAD' || status === 204 || status === 304 || status === 101;
      const framed = readBody(octets, headEnd + 4, { fields, isBare, end });
      const { body, trailers, framing } = framed;
      const isWhole = framed.next !== undefined;
      finals.push({ status, fields, trailers, body, framing, isWhole });
      at = framed.next;
    }
    return { finals, interims, problem: undefined };
  } catch (thrown) {
    if (!(thrown instanceof MalformedError)) throw thrown;
    return { finals, interims, problem: thrown.message };
  }
}

function readHead(text: string): { status: number; fields: readonly FieldLine[] } {
  const [first = '', ...lines] = text.split('\r\n');
  const found = /^HTTP\/1\.1 ([1-5][0-9]{2}) [\t\x20-\x7e\x80-\xff]*$/.exec(first);
  if (found === null)
    throw new MalformedError(`status line ${JSON.stringify(first.slice(0, 200))}`);
  return { status: Number(found[1]), fields: lines.map(fieldOf) };
}

function fieldOf(line: string): FieldLine {
  const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
  if (found === null) throw new MalformedError(`field line ${JSON.stringify(line.slice(0, 200))}`);
  return [found[1] ?? '', (found[2] ?? '').trim()];
}

function readBody(
  octets: Buffer,
  start: number,
  how: { fields: readonly FieldLine[]; isBare: boolean; end: ConnectionEnd },
): Framed {
  const all = (name: string): readonly string[] =>
    how.fields.flatMap(([its, value]) => (its.toLowerCase() === name ? [value] : []));
  const [lengths, codings] = [all('content-length'), all('transfer-encoding')];
  if (lengths.length + codings.length > 1) throw new MalformedError('more than one length');
  const empty = { body: Buffer.alloc(0), trailers: [] };
  if (how.isBare) return { ...empty, framing: 'none', next: start };
  if (codings.length > 0) {
    if (codings[0] !== 'chunked') throw new MalformedError(`Transfer-Encoding ${codings[0]}`);
    return readChunks(octets, start);
  }
  if (lengths.length === 0) {
    const body = octets.subarray(start);
    const next = how.end === 'ended' ? octets.length : undefined;
    return { body, trailers: [], framing: 'close', next };
  }
  if (!/^[0-9]{1,15}$/.test(lengths[0] ?? '')) throw new MalformedError(`length ${lengths[0]}`);
  const stop = start + Number(lengths[0]);
  const next = stop <= octets.length ? stop : undefined;
  return { body: octets.subarray(start, stop), trailers: [], framing: 'length', next };
}

function readChunks(octets: Buffer, start: number): Framed {
  const pieces: Buffer[] = [];
  const framed = (next: number | undefined, trailers: readonly FieldLine[] = []): Framed => ({
    body: Buffer.concat(pieces),
    trailers,
    framing: 'chunked',
    next,
  });
  for (let at = start; ; ) {
    const lineEnd = octets.indexOf('\r\n', at);
    if (lineEnd < 0) return framed(undefined);
    const line = octets.toString('latin1', at, lineEnd);
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) {
      throw new MalformedError(`chunk line ${JSON.stringify(line.slice(0, 200))}`);
    }
    const size = Number.parseInt(line, 16);
    if (size === 0) return readTrailers(octets, lineEnd, framed);
    const stop = lineEnd + 2 + size;
    pieces.push(octets.subarray(lineEnd + 2, stop));
    if (octets.length < stop + 2) return framed(undefined);
    if (octets.toString('latin1', stop, stop + 2) !== '\r\n') {
      throw new MalformedError('no CRLF after a chunk');
    }
    at = stop + 2;
  }
}

/** `lineEnd` is where the line of the last chunk ends: with that line end, the section ends alike. */
function readTrailers(
  octets: Buffer,
  lineEnd: number,
  framed: (next: number | undefined, trailers?: readonly FieldLine[]) => Framed,
): Framed {
  const stop = octets.indexOf('\r\n\r\n', lineEnd);
  if (stop < 0) return framed(undefined);
  const text = octets.toString('latin1', lineEnd + 2, Math.max(stop, lineEnd + 2));
  return framed(stop + 4, text === '' ? [] : text.split('\r\n').map(fieldOf));
}
