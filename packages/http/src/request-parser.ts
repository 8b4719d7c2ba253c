/** From the bytes of a connection to request heads: everything that can be refused is refused here. */
import type { RequestHead } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { Framing } from './framing.ts';
import { HeadScanner } from './head-scanner.ts';
import type { MessageLimits } from './limits.ts';
import { isNestedHttp } from './nested-http.ts';
import { bodyTooLarge, isRefusal, malformed, type Refusal } from './refusal.ts';
import { parseTarget } from './target.ts';
import { isUpgradeToken } from './upgrade-token.ts';
import { isWebSocketKey, KEY_FIELD, WEB_SOCKET } from './web-socket.ts';

/** A request head and what only the connection needs to know of it. */
export interface ParsedRequest extends RequestHead {
  /** Whether the client lets the connection serve again. */
  readonly keepAlive: boolean;
  /** Whether the client takes trailers. */
  readonly takesTrailers: boolean;
}

const badStartLine = malformed('the request line is not METHOD SP TARGET SP HTTP/1.x');
const badVersion = malformed('the version is neither HTTP/1.1 nor HTTP/1.0', 505);
const noTrace = malformed('TRACE is not served', 405);
const manyHosts = malformed('more than one Host');
const codingInOld = malformed('HTTP/1.0 has no Transfer-Encoding');
const badExpect = malformed('Expect is not 100-continue', 417);
const connectBody = malformed('CONNECT has no body');

/** Incremental: feed it chunks until it gives a head or a refusal. */
export class RequestParser {
  /** Set when `feed` gave -1 because the bytes are no request. */
  refusal: Refusal | undefined = undefined;
  readonly #scanner: HeadScanner;
  readonly #limits: MessageLimits;
  #request: ParsedRequest | undefined = undefined;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
    this.#scanner = new HeadScanner({ part: 'request', ...limits });
  }

  /** Whether no byte of a head has come. */
  get isFresh(): boolean {
    return this.#scanner.isFresh && this.refusal === undefined;
  }

  /**
   * Goes on with `chunk` from `start`. Gives the index after the head, whose request `take` then
   * gives; or -1 if more is needed or, with `refusal` set, nothing can come of it.
   */
  feed(chunk: Buffer, start: number): number {
    const after = this.#scanner.feed(chunk, start);
    if (after < 0) {
      this.refusal = this.#scanner.refusal;
      return -1;
    }
    const outcome = assemble(this.#scanner, this.#limits);
    if (isRefusal(outcome)) {
      this.refusal = outcome;
      return -1;
    }
    this.#request = outcome;
    this.#scanner.reset();
    return after;
  }

  /** The request that `feed` has found; once. */
  take(): ParsedRequest | undefined {
    const request = this.#request;
    this.#request = undefined;
    return request;
  }
}

function assemble(scanner: HeadScanner, limits: MessageLimits): ParsedRequest | Refusal {
  const framing = new Framing();
  const fields = framing.take(scanner);
  const line = startLineOf(scanner, framing.text);
  if (isRefusal(line)) return line;
  if (isRefusal(fields)) return fields;
  if (framing.hostCount > 1) return manyHosts;
  const host =
    framing.hostCount === 0 ? undefined : framing.text.slice(framing.hostStart, framing.hostEnd);
  const target = parseTarget(line.method, line.target, host);
  if (isRefusal(target)) return target;
  if (host === undefined && line.minorVersion === 1) return malformed('there is no Host');
  const refusal = refuseFraming(framing, line, limits);
  return refusal ?? requestOf(framing, line, { fields, ...target });
}

interface StartLine {
  readonly method: string;
  readonly target: string;
  readonly minorVersion: 0 | 1;
}

function startLineOf(scanner: HeadScanner, text: string): StartLine | Refusal {
  const { method } = scanner;
  const line = text.slice(0, scanner.startLineLength);
  const targetEnd = line.indexOf(' ', method.length + 1);
  if (targetEnd <= method.length + 1) return badStartLine;
  const version = line.slice(targetEnd + 1);
  if (version !== 'HTTP/1.1' && version !== 'HTTP/1.0') {
    return /^HTTP\/[0-9]\.[0-9]$/.test(version) ? badVersion : badStartLine;
  }
  if (method === 'TRACE') return noTrace;
  const target = line.slice(method.length + 1, targetEnd);
  return { method, target, minorVersion: version === 'HTTP/1.1' ? 1 : 0 };
}

function refuseFraming(framing: Framing, line: StartLine, limits: MessageLimits) {
  if (framing.chunked && line.minorVersion === 0) return codingInOld;
  if ((framing.contentLength ?? 0) > limits.bodyByteCountMax) return bodyTooLarge;
  if (line.method === 'CONNECT' && (framing.chunked || (framing.contentLength ?? 0) > 0)) {
    return connectBody;
  }
  if (line.minorVersion === 0 || framing.expect === undefined) return undefined;
  return framing.expect.toLowerCase() === '100-continue' ? undefined : badExpect;
}

/** Only an absolute-form target, which a proxy is asked with, names a scheme. */
function isHttps(target: string): boolean {
  return target.charCodeAt(0) !== 0x2f && /^https:/i.test(target);
}

function requestOf(
  framing: Framing,
  line: StartLine,
  rest: { readonly fields: FieldList; readonly target: string; readonly authority: string },
): ParsedRequest {
  const contentLength = framing.chunked ? undefined : (framing.contentLength ?? 0);
  return {
    method: line.method,
    target: rest.target,
    authority: rest.authority,
    scheme: isHttps(line.target) ? 'https' : 'http',
    minorVersion: line.minorVersion,
    fields: rest.fields,
    contentLength,
    upgrade: line.minorVersion === 1 ? upgradeOf(framing, contentLength, rest.fields) : undefined,
    expectsContinue: line.minorVersion === 1 && framing.expect !== undefined && contentLength !== 0,
    keepAlive: line.minorVersion === 1 && !framing.saysClose,
    takesTrailers: framing.takesTrailers,
  };
}

/**
 * The protocol to change to, if it may be: one token, nominated by Connection, on a request without
 * a body. One that would carry requests past every check is dropped. So is
 * WebSocket without its key, for which nobody could prove that it was read (RFC 6455 §4.2.1).
 */
function upgradeOf(
  framing: Framing,
  contentLength: number | undefined,
  fields: FieldList,
): string | undefined {
  const { upgrade } = framing;
  if (upgrade === '' || !framing.saysUpgrade || contentLength !== 0) return undefined;
  if (isNestedHttp(upgrade)) return undefined;
  if (upgrade === WEB_SOCKET && !isWebSocketKey(fields.get(KEY_FIELD))) return undefined;
  return isUpgradeToken(upgrade) ? upgrade : undefined;
}
