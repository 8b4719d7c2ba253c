/**
 * How an app calls another: an ordinary HTTP request to `http://SERVICE/…`. Nothing here knows of a
 * mesh. With `HTTP_PROXY` and `NODE_USE_ENV_PROXY=1` in the environment Node 24 sends it by way of a
 * proxy: `http.request` through the global agent in absolute form (`GET http://catalog/products`),
 * `fetch` through a tunnel (`CONNECT catalog:80`, then origin form inside). An Agent of one's own
 * would have to be given `proxyEnv`; the global one has it, and keeps connections alive by default.
 */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { codeOf, LenoError, messageOf } from '@leno/std';
import type { Counts } from './counts.ts';

/** Tracing works only if every app does this: what identifies a request goes with what it causes. */
const passedOn = ['traceparent', 'tracestate', 'baggage', 'x-request-id'] as const;
const replyBytesMax = 1_048_576;
const timeoutMs = 10_000;

/** A service that was needed did not answer, or answered 5xx. */
export class ServiceFailedError extends LenoError {
  readonly code = 'LENO_DEMO_SERVICE_FAILED';
  readonly fault = 'upstream';
  readonly service: string;
  /** 0 if there was no reply. */
  readonly status: number;

  constructor(service: string, status: number, why: string) {
    super(`${service} ${status === 0 ? 'did not answer' : `answered ${status}`}: ${why}`);
    this.service = service;
    this.status = status;
  }
}

/** One call. */
export interface Call {
  readonly service: string;
  /** Path and query. */
  readonly path: string;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `fetch` rather than `http.request`: the demo uses both on purpose. */
  readonly isFetch?: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

/** What came back, with a status below 500. */
export interface CallReply {
  readonly status: number;
  /** The body as JSON; undefined if it is none. */
  readonly json: unknown;
}

/** Makes calls on behalf of the request whose headers it was given. */
export class Caller {
  readonly #role: string;
  readonly #counts: Counts;
  readonly #addresses: ReadonlyMap<string, string>;

  /** `addresses` says where to dial for a service that is not to be found under its name. */
  constructor(role: string, counts: Counts, addresses: ReadonlyMap<string, string>) {
    this.#role = role;
    this.#counts = counts;
    this.#addresses = addresses;
  }

  /** Throws `ServiceFailedError` if there is no reply, or one of 500 and above. */
  async call(inbound: IncomingHttpHeaders, call: Call): Promise<CallReply> {
    this.#counts.calling();
    let status = 0;
    try {
      const headers = { ...this.#headers(inbound, call), ...call.headers };
      const url = `http://${this.#addresses.get(call.service) ?? call.service}${call.path}`;
      const send = call.isFetch === true ? viaFetch : viaHttp;
      const reply = await send(url, call, headers);
      status = reply.status;
      if (status >= 500)
        throw new ServiceFailedError(call.service, status, reply.text.slice(0, 200));
      return { status, json: parseJson(reply.text) };
    } catch (thrown) {
      if (thrown instanceof ServiceFailedError) throw thrown;
      const why = `${codeOf(thrown)} ${messageOf(thrown)}`.trim();
      throw new ServiceFailedError(call.service, 0, why);
    } finally {
      this.#counts.called(call.service, status);
    }
  }

  #headers(inbound: IncomingHttpHeaders, call: Call): Record<string, string> {
    const headers: Record<string, string> = { host: call.service, 'x-demo-caller': this.#role };
    for (const name of passedOn) {
      const value = inbound[name];
      if (typeof value === 'string') headers[name] = value;
    }
    if (call.json !== undefined) headers['content-type'] = 'application/json';
    return headers;
  }
}

interface TextReply {
  readonly status: number;
  readonly text: string;
}

function viaHttp(url: string, call: Call, headers: Record<string, string>): Promise<TextReply> {
  const body = call.json === undefined ? undefined : JSON.stringify(call.json);
  const lengths = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, {
      method: call.method ?? 'GET',
      headers: { ...headers, ...lengths },
    });
    // A timer of the socket's: AbortSignal.timeout would keep every request in memory until its time.
    request.setTimeout(call.timeoutMs ?? timeoutMs, () => request.destroy(new Error('timed out')));
    request.on('error', reject);
    request.on('response', (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (piece: string) => {
        text += piece;
        if (text.length > replyBytesMax) reply.destroy(new Error('the reply is too large'));
      });
      reply.on('error', reject);
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
    });
    request.end(body);
  });
}

async function viaFetch(
  url: string,
  call: Call,
  headers: Record<string, string>,
): Promise<TextReply> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), call.timeoutMs ?? timeoutMs);
  try {
    const reply = await fetch(url, {
      method: call.method ?? 'GET',
      headers,
      signal: controller.signal,
      ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
    });
    return { status: reply.status, text: await reply.text() };
  } finally {
    clearTimeout(timer);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
