/**
 * Reads the requests of one upstream connection, and reports every octet that is not in the canonical
 * form of the format (README of the corpora, "http1-requests", 1 to 7).
 *
 *   head --> body by length --> whole --answered--> head
 *     |----> size line --> chunk … --> trailers ------^
 *     any --not canonical--> broken (reads no further)
 *
 * Strict where a server would be lenient: what it takes is what no server can read in two ways.
 */
import { unreachable } from '@leno/std';
import type { FieldLine } from './fields.ts';

/** A request that came whole. */
export interface WholeRequest {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly FieldLine[];
  readonly trailers: readonly FieldLine[];
  readonly body: Buffer;
}

/** Told as soon as it is known. */
export interface RequestReaderEvents {
  /** A head is whole; its body may still come. */
  onHead(head: { readonly method: string; readonly target: string }): void;
  onRequest(request: WholeRequest): void;
  onProblem(problem: string): void;
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'trailers' | 'whole' | 'broken';

interface Head {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly FieldLine[];
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x22\x24-\x5b\x5d-\x7e]+) HTTP\/1\.1$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/;
const BAD_TRAILERS = ['content-length', 'transfer-encoding', 'host', 'authorization', 'connection'];
const BAD_FIELDS = ['keep-alive', 'proxy-connection', 'proxy-authorization'];
const NOTHING = Buffer.alloc(0);

export class RequestReader {
  readonly #events: RequestReaderEvents;
  #state: State = 'head';
  #octets: Buffer = NOTHING;
  #head: Head | undefined;
  #body: Buffer[] = [];
  #left = 0;

  constructor(events: RequestReaderEvents) {
    this.#events = events;
  }

  /** Whether a request has begun that did not come whole yet. */
  get isAmidst(): boolean {
    return this.#state !== 'whole' && (this.#state !== 'head' || this.#octets.length > 0);
  }

  /** The reply to the last request has been written: the next one may begin. */
  answered(): void {
    if (this.#state === 'whole') this.#state = 'head';
  }

  take(chunk: Buffer): void {
    if (this.#state === 'broken' || chunk.length === 0) return;
    if (this.#state === 'whole') {
      this.#break('a request begins before the one before it was answered');
      return;
    }
    this.#octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    while (this.#step());
  }

  /** Reads one element; false if it has not come whole. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead();
      case 'length':
        return this.#readLength();
      case 'size':
        return this.#readSize();
      case 'chunk':
        return this.#readChunk();
      case 'trailers':
        return this.#readTrailers();
      case 'whole':
        if (this.#octets.length > 0) this.#break('octets follow a request that is not answered');
        return false;
      case 'broken':
        return false;
      default:
        return unreachable(this.#state);
    }
  }

  #readHead(): boolean {
    const lines = this.#linesToEmpty();
    if (lines === undefined) return false;
    const [first = '', ...rest] = lines;
    const found = REQUEST_LINE.exec(first);
    if (found === null) return this.#break(`request line ${JSON.stringify(first)}`);
    const fields = this.#fields(rest);
    if (fields === undefined) return false;
    const [, method = '', target = ''] = found;
    this.#head = { method, target, fields };
    const problem = headProblem(fields);
    if (problem !== undefined) return this.#break(problem);
    this.#body = [];
    this.#left = Number(only(fields, 'content-length') ?? 0);
    const isChunked = only(fields, 'transfer-encoding') !== undefined;
    this.#events.onHead({ method, target });
    if (isChunked) this.#state = 'size';
    else this.#state = 'length';
    return true;
  }

  #readLength(): boolean {
    if (!this.#takeBody()) return false;
    this.#finish([]);
    return true;
  }

  #readSize(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) return this.#break(`chunk line ${JSON.stringify(line)}`);
    this.#left = Number.parseInt(line, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return true;
  }

  #readChunk(): boolean {
    if (!this.#takeBody() || this.#octets.length < 2) return false;
    if (this.#octets.toString('latin1', 0, 2) !== '\r\n')
      return this.#break('no CRLF after a chunk');
    this.#drop(2);
    this.#state = 'size';
    return true;
  }

  #readTrailers(): boolean {
    const isEmpty = this.#octets.toString('latin1', 0, 2) === '\r\n';
    const lines = isEmpty ? [] : this.#linesToEmpty();
    if (lines === undefined) return false;
    if (isEmpty) this.#drop(2);
    const trailers = this.#fields(lines);
    if (trailers === undefined) return false;
    const bad = trailers.find(([name]) => BAD_TRAILERS.includes(name.toLowerCase()));
    if (bad !== undefined) return this.#break(`trailer ${bad[0]}`);
    this.#finish(trailers);
    return true;
  }

  #finish(trailers: readonly FieldLine[]): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#state = 'whole';
    this.#head = undefined;
    this.#events.onRequest({ ...head, trailers, body: Buffer.concat(this.#body) });
  }

  /** Whether all of the length or the chunk is there now. */
  #takeBody(): boolean {
    const piece = this.#octets.subarray(0, this.#left);
    if (piece.length > 0) this.#body.push(piece);
    this.#left -= piece.length;
    this.#drop(piece.length);
    return this.#left === 0;
  }

  /** Lines up to an empty one, and that one, taken away. */
  #linesToEmpty(): readonly string[] | undefined {
    const end = this.#octets.indexOf('\r\n\r\n');
    const text = this.#octets.toString('latin1', 0, end < 0 ? undefined : end);
    if (hasStray(text)) this.#stray(text);
    if (end < 0 || this.#state === 'broken') return undefined;
    this.#drop(end + 4);
    return text.split('\r\n');
  }

  #line(): string | undefined {
    const end = this.#octets.indexOf('\r\n');
    const text = this.#octets.toString('latin1', 0, end < 0 ? 64 : end);
    if (hasStray(end < 0 ? text : `${text}.`)) this.#stray(text);
    if (end < 0 || this.#state === 'broken') return undefined;
    this.#drop(end + 2);
    return text;
  }

  #stray(text: string): void {
    this.#break(`bare CR, bare LF or NUL in ${JSON.stringify(text.slice(0, 200))}`);
  }

  #fields(lines: readonly string[]): readonly FieldLine[] | undefined {
    const fields: FieldLine[] = [];
    for (const line of lines) {
      const found = FIELD.exec(line);
      if (found === null) {
        this.#break(`field line ${JSON.stringify(line.slice(0, 200))}`);
        return undefined;
      }
      fields.push([found[1] ?? '', (found[2] ?? '').replace(/^[\t ]+|[\t ]+$/g, '')]);
    }
    return fields;
  }

  #drop(count: number): void {
    this.#octets = this.#octets.subarray(count);
  }

  #break(problem: string): false {
    this.#state = 'broken';
    this.#octets = NOTHING;
    this.#events.onProblem(`not canonical: ${problem}`);
    return false;
  }
}

/** A CR at the very end may still get its LF. */
function hasStray(text: string): boolean {
  return /\0|\r(?!\n|$)|(?<!\r)\n/.test(text);
}

function headProblem(fields: readonly FieldLine[]): string | undefined {
  const all = (name: string): readonly string[] =>
    fields.flatMap(([its, value]) => (its.toLowerCase() === name ? [value] : []));
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  if (all('host').length !== 1) return `${all('host').length} Host lines`;
  if (lengths.length > 1) return 'Content-Length more than once';
  if (!lengths.every((it) => /^(0|[1-9][0-9]{0,14})$/.test(it)))
    return `Content-Length ${lengths.join()}`;
  if (codings.length > 1) return 'Transfer-Encoding more than once';
  if (!codings.every((it) => it === 'chunked')) return `Transfer-Encoding ${codings.join()}`;
  if (lengths.length + codings.length > 1) return 'both Content-Length and Transfer-Encoding';
  for (const value of all('connection')) {
    const options = value.split(',').map((it) => it.trim().toLowerCase());
    const odd = options.find((it) => !['keep-alive', 'close', 'upgrade'].includes(it));
    if (odd !== undefined) return `Connection says ${odd}`;
  }
  const bad = fields.find(([name]) => BAD_FIELDS.includes(name.toLowerCase()));
  if (bad !== undefined) return `field ${bad[0]}`;
  return all('te').every((it) => it === 'trailers') ? undefined : `TE ${all('te').join()}`;
}

function only(fields: readonly FieldLine[], name: string): string | undefined {
  return fields.find(([its]) => its.toLowerCase() === name)?.[1];
}
