/**
 * An interceptor for undici: `new Agent().compose(resilience(pipeline))`.
 *
 * Guarantees
 * - A bad status is a failure for breakers and retries, but the caller gets the reply. Errors of
 *   undici pass unchanged; refusals and timeouts are errors of the request.
 * - Nothing is sent twice that may not be: the method must be idempotent (RFC 9110 §9.2.2), or have
 *   an `Idempotency-Key`, or it is proved that nothing was sent; and the body must be bytes or none.
 * - The caller's handler sees one request: one start, one reply or error, however many attempts.
 * - A reply is held back, unread, until it is known to be the one; others are read to their end if
 *   they are short, else their connection is closed. Timeouts end with the head of the reply.
 *
 * Upgrades and CONNECT go past it.
 */
import type { Dispatcher } from 'undici';
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
import type { Settled } from '../calls/settled.ts';
import { AttemptHandler } from './attempt-handler.ts';
import { Relay } from './relay.ts';

/** Options of `resilience`. */
export interface ResilientDispatchOptions extends ReplyRules {
  /** What tells calls apart for the pipeline's observer. Default: method and origin. */
  readonly keyOf?: ((request: Dispatcher.DispatchOptions) => string) | undefined;
}

/** The interceptor; see the top of this file. */
export function resilience(
  policy: Policy,
  options: ResilientDispatchOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  checkPolicy(policy);
  return (dispatch) => (request, handler) => {
    const isTunnel = request.method === 'CONNECT' || Boolean(request.upgrade);
    if (isTunnel) return dispatch(request, handler);
    const call = new DispatchCall({ dispatch, request, handler, options });
    call.run(policy).catch((thrown: unknown) => call.fail(thrown));
    return true;
  };
}

interface Parts {
  readonly dispatch: Dispatcher.Dispatch;
  readonly request: Dispatcher.DispatchOptions;
  readonly handler: Dispatcher.DispatchHandler;
  readonly options: ResilientDispatchOptions;
}

class DispatchCall {
  readonly #parts: Parts;
  readonly #repetition: Repetition;
  readonly #relay = new Relay();
  #badReplies: AttemptHandler[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#repetition = repetitionOf(parts.request);
  }

  async run(policy: Policy): Promise<void> {
    const { request, handler, options } = this.#parts;
    const { method, origin } = request;
    // Now, so that a request that waits for its turn can be aborted.
    handler.onRequestStart?.(this.#relay, {});
    const settled = await policy.settle((context) => this.#attempt(context), {
      signal: this.#relay.signal,
      key: options.keyOf?.(request) ?? `${method} ${String(origin)}`,
      repeatable: isHarmless(this.#repetition, options),
      discard: (reply) => reply.drop(),
    });
    this.#finish(settled);
  }

  #finish(settled: Settled<AttemptHandler>): void {
    const { handler } = this.#parts;
    if (settled.kind === 'returned') {
      this.#keep(settled.value);
      settled.value.give(handler, this.#relay);
      return;
    }
    const error: unknown = settled.kind === 'aborted' ? settled.reason : settled.error;
    const reply = error instanceof JudgedError ? error.reply : undefined;
    if (reply instanceof AttemptHandler) {
      this.#keep(reply);
      reply.give(handler, this.#relay);
      return;
    }
    this.#keep(undefined);
    this.fail(error instanceof JudgedError ? error.cause : error);
  }

  /** The request ends without a reply. */
  fail(cause: unknown): void {
    const reason = cause instanceof Error ? cause : new Error(String(cause));
    this.#parts.handler.onResponseError?.(this.#relay, reason);
  }

  #attempt(context: CallContext): Promise<AttemptHandler> {
    const { dispatch, request, options } = this.#parts;
    if (context.hedge === 0) this.#keep(undefined);
    const { signal } = context;
    const head = new Promise<AttemptHandler>((resolve, reject) => {
      const onError = (error: Error): void => {
        reject(signal.aborted ? error : judgeThrown(this.#repetition, options, error));
      };
      dispatch(request, new AttemptHandler({ onHead: resolve, onError }, signal));
    });
    return head.then((reply) => this.#received(reply, signal));
  }

  /** Gives a good reply; throws what is to be said of a bad one, which is kept. */
  #received(reply: AttemptHandler, signal: AbortSignal): AttemptHandler {
    let judged: JudgedError | undefined;
    try {
      judged = this.#judge(reply);
    } catch (thrown) {
      reply.drop();
      throw thrown;
    }
    if (judged === undefined) return reply;
    if (signal.aborted) reply.drop();
    else this.#badReplies.push(reply);
    throw judged;
  }

  #judge(reply: AttemptHandler): JudgedError | undefined {
    const { status, headers } = reply;
    const retryAfter = textOf(headers['retry-after']);
    const wallMs = Date.parse(textOf(headers['date']) ?? '');
    const { options } = this.#parts;
    return judgeReply(this.#repetition, options, { status, retryAfter, it: reply }, wallMs);
  }

  /** Drops all bad replies but that one. */
  #keep(kept: AttemptHandler | undefined): void {
    for (const reply of this.#badReplies) if (reply !== kept) reply.drop();
    this.#badReplies = [];
  }
}

function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function repetitionOf({ method, headers, body }: Dispatcher.DispatchOptions): Repetition {
  const isBytes = typeof body === 'string' || ArrayBuffer.isView(body);
  return {
    method,
    hasIdempotencyKey: namesOf(headers).some((name) => name.toLowerCase() === 'idempotency-key'),
    isReplayable: isBytes || body === undefined || body === null,
  };
}

/** Names of headers in any of the forms that undici takes. */
function namesOf(headers: Dispatcher.DispatchOptions['headers']): readonly string[] {
  if (headers === undefined || headers === null) return [];
  if (Array.isArray(headers)) return headers.filter((_, index) => index % 2 === 0).map(String);
  if (Symbol.iterator in headers) return [...headers].map(([name]) => name);
  return Object.keys(headers);
}
