/**
 * `fetch` through a pipeline.
 *
 * Guarantees
 * - A bad status is a failure for breakers and retries, but the caller gets the reply, as from
 *   `fetch`. What `fetch` throws passes unchanged; refusals and timeouts reject with their errors.
 * - Nothing is sent twice that may not be: the method must be idempotent (RFC 9110 §9.2.2), or have
 *   an `Idempotency-Key`, or it is proved that nothing was sent; and the body must not be a stream.
 * - The body of a reply that nobody gets is cancelled. Timeouts end with the head of the reply; its
 *   body still ends at the abort of the caller's signal.
 */
import { checkPolicy } from '../calls/check-part.ts';
import type { CallContext } from '../calls/frame.ts';
import {
  isHarmless,
  judgeReply,
  judgeThrown,
  type Repetition,
  type ReplyRules,
} from '../calls/judge-reply.ts';
import { JudgedError } from '../calls/judged-error.ts';
import type { Policy } from '../calls/policy.ts';

/** What `fetch` is; `Response` and `Request` are those of the runtime. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Options of `resilientFetch`. */
export interface ResilientFetchOptions extends ReplyRules {
  /** Default: the runtime's own. */
  readonly fetch?: Fetch | undefined;
  /** What tells calls apart for the pipeline's functions and observer. Default: method and origin. */
  readonly keyOf?: ((request: { method: string; url: string }) => string) | undefined;
}

/** A `fetch` that goes through the pipeline; see the top of this file. */
export function resilientFetch(
  policy: Policy<Response> | Policy,
  options: ResilientFetchOptions = {},
): Fetch {
  checkPolicy(policy);
  const { fetch: send = globalThis.fetch, keyOf } = options;
  return async (input, init = {}) => {
    const request = isRequest(input) ? input : undefined;
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
    const url = isRequest(input) ? input.url : String(input);
    const repetition = repetitionOf(method, request, init);
    const call = new FetchCall({ input, init, send, repetition, rules: options });
    // `null` frees the call from the signal of its Request.
    const signal = init.signal === undefined ? request?.signal : init.signal;
    const settled = await policy.settle<Response>((context) => call.attempt(context, signal), {
      signal: signal ?? undefined,
      key: keyOf === undefined ? `${method} ${originOf(url)}` : keyOf({ method, url }),
      repeatable: isHarmless(repetition, options),
      discard: cancelBody,
    });
    if (settled.kind === 'returned') return call.keep(settled.value);
    const error: unknown = settled.kind === 'aborted' ? settled.reason : settled.error;
    if (!(error instanceof JudgedError)) {
      call.keep(undefined);
      throw error;
    }
    const { reply } = error;
    // Only attempts make such errors, or the pipeline's own functions, which then have no reply.
    if (reply !== undefined) return call.keep(reply as Response);
    call.keep(undefined);
    throw error.cause;
  };
}

interface Parts {
  readonly input: string | URL | Request;
  readonly init: RequestInit;
  readonly send: Fetch;
  readonly repetition: Repetition;
  readonly rules: ReplyRules;
}

/** One call: its attempts, and their bad replies until it is known which of them is given out. */
class FetchCall {
  readonly #parts: Parts;
  #badReplies: Response[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async attempt(context: CallContext, outer: AbortSignal | null | undefined): Promise<Response> {
    const { input, init, send, repetition, rules } = this.#parts;
    // What an earlier try was answered holds a connection that this one may need.
    if (context.hedge === 0) this.keep(undefined);
    const own = context.signal;
    // The caller's stands beside ours, for the time after the head, when this call is over.
    const signal = outer === undefined || outer === null ? own : AbortSignal.any([own, outer]);
    let reply: Response;
    try {
      reply = await send(input, { ...init, signal });
    } catch (thrown) {
      throw own.aborted ? thrown : judgeThrown(repetition, rules, thrown);
    }
    const retryAfter = reply.headers.get('retry-after') ?? undefined;
    const head = { status: reply.status, retryAfter, it: reply };
    const wallMs = Date.parse(reply.headers.get('date') ?? '');
    let judged: JudgedError | undefined;
    try {
      judged = judgeReply(repetition, rules, head, wallMs);
    } catch (thrown) {
      cancelBody(reply);
      throw thrown;
    }
    if (judged === undefined) return reply;
    if (own.aborted) cancelBody(reply);
    else this.#badReplies.push(reply);
    throw judged;
  }

  /** Cancels all bad replies but that one. */
  keep<T extends Response | undefined>(kept: T): T {
    for (const reply of this.#badReplies) if (reply !== kept) cancelBody(reply);
    this.#badReplies = [];
    return kept;
  }
}

function cancelBody(reply: Response): void {
  // A body that somebody reads already cannot be cancelled, and need not.
  if (reply.body?.locked === false) reply.body.cancel().catch(() => {});
}

function repetitionOf(method: string, request: Request | undefined, init: RequestInit): Repetition {
  const headers = new Headers(init.headers ?? request?.headers);
  const isStream = init.body instanceof ReadableStream || isIterator(init.body);
  // `fetch` reads the body of a Request, which then is spent.
  const isSpent = init.body === undefined && request !== undefined && request.body !== null;
  return {
    method,
    hasIdempotencyKey: headers.has('idempotency-key'),
    isReplayable: !isStream && !isSpent,
  };
}

/** Not by class: a `fetch` of a library has a `Request` of its own. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'method' in input;
}

function isIterator(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'relative';
}
