/** From the bytes of a connection to reply heads, with how the body that follows is framed. */
import type { ResponseHead } from './exchange.ts';
import { Framing } from './framing.ts';
import { HeadScanner } from './head-scanner.ts';
import type { MessageLimits } from './limits.ts';
import { isRefusal, malformed, type Refusal } from './refusal.ts';

/** A reply head and what only the connection needs to know of it. */
export interface ParsedResponse extends ResponseHead {
  /** How the body is framed (RFC 9112 §6.3); `length` goes with `contentLength`. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Whether the connection may serve again. */
  readonly keepAlive: boolean;
  /** How long the upstream keeps the connection idle, if it says so; else `Infinity`. */
  readonly keepAliveMs: number;
  /** The protocol that a 101 changes to, else ''. */
  readonly upgrade: string;
}

const badStatusLine = malformed('the status line is not HTTP/1.x SP 3DIGIT');
const codingInOld = malformed('HTTP/1.0 has no Transfer-Encoding');

/** Incremental: feed it chunks until it gives a head or a refusal. */
export class ResponseParser {
  /** Set when `feed` gave -1 because the bytes are no reply. */
  refusal: Refusal | undefined = undefined;
  readonly #scanner: HeadScanner;
  #response: ParsedResponse | undefined = undefined;

  constructor(limits: MessageLimits) {
    this.#scanner = new HeadScanner({ part: 'response', ...limits });
  }

  /**
   * Goes on with `chunk` from `start`; `method` is that of the request. Gives the index after the
   * head, whose reply `take` then gives; or -1 as the request parser does.
   */
  feed(chunk: Buffer, start: number, method: string): number {
    const after = this.#scanner.feed(chunk, start);
    if (after < 0) {
      this.refusal = this.#scanner.refusal;
      return -1;
    }
    const outcome = assemble(this.#scanner, method);
    if (isRefusal(outcome)) {
      this.refusal = outcome;
      return -1;
    }
    this.#response = outcome;
    this.#scanner.reset();
    return after;
  }

  /** The reply that `feed` has found; once. */
  take(): ParsedResponse | undefined {
    const response = this.#response;
    this.#response = undefined;
    return response;
  }
}

function assemble(scanner: HeadScanner, method: string): ParsedResponse | Refusal {
  const framing = new Framing();
  const fields = framing.take(scanner);
  if (isRefusal(fields)) return fields;
  const line = framing.text.slice(0, scanner.startLineLength);
  const status = statusOf(line);
  if (status === 0) return badStatusLine;
  const minorVersion = line.charCodeAt(7) - 0x30;
  if (framing.chunked && minorVersion === 0) return codingInOld;
  const bodyFraming = framingOf(framing, status, method);
  return {
    status,
    fields,
    contentLength: lengthOf(framing, status, bodyFraming),
    framing: bodyFraming,
    keepAlive: minorVersion === 1 && !framing.saysClose && bodyFraming !== 'close',
    keepAliveMs: framing.keepAlive === '' ? Number.POSITIVE_INFINITY : timeoutOf(framing.keepAlive),
    upgrade: framing.upgrade,
  };
}

/** The status, 0 if the line is none. A missing reason phrase, even without its blank, is tolerated. */
function statusOf(line: string): number {
  if (!line.startsWith('HTTP/1.1 ') && !line.startsWith('HTTP/1.0 ')) return 0;
  if (line.length > 12 && line.charCodeAt(12) !== 0x20) return 0;
  let status = 0;
  for (let index = 9; index < 12; index += 1) {
    const digit = line.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return 0;
    status = status * 10 + digit;
  }
  return status >= 100 && status < 600 ? status : 0;
}

function framingOf(framing: Framing, status: number, method: string): ParsedResponse['framing'] {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (framing.chunked) return 'chunked';
  if (framing.contentLength === undefined) return 'close';
  return framing.contentLength === 0 ? 'none' : 'length';
}

function lengthOf(framing: Framing, status: number, body: ParsedResponse['framing']) {
  if (status < 200 || status === 204) return 0;
  return body === 'chunked' || body === 'close' || framing.chunked
    ? undefined
    : framing.contentLength;
}

/** Milliseconds of `timeout=…`; `Infinity` if it is not said. */
function timeoutOf(keepAlive: string): number {
  const match = /(?:^|[ ,;])timeout=([0-9]{1,6})/i.exec(keepAlive);
  return match === null ? Number.POSITIVE_INFINITY : Number(match[1]) * 1000;
}
