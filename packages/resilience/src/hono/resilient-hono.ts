/**
 * Policies in front of a hono application: what it cannot take is refused before it costs anything.
 *
 *   429 rate limiter · 503 bulkhead, adaptive limiter, throttler, breaker · 504 timeout
 *
 * with `Retry-After` where it is known, and problem+json (RFC 9457). The refused request was not
 * handled; one that timed out may go on, but for its signal: `c.get('resilience').signal`.
 */
import { unreachable } from '@leno/std';
import type { Context, MiddlewareHandler } from 'hono';
import { checkPolicy } from '../calls/check-part.ts';
import type { CallContext } from '../calls/frame.ts';
import type { Policy } from '../calls/policy.ts';
import { RefusedError } from '../calls/refused-error.ts';
import { TimedOutError } from '../calls/timed-out-error.ts';

/** Options of `resilience`. */
export interface ResilienceOptions {
  /** What tells requests apart for the pipeline's observer. Default: none. */
  readonly keyOf?: ((context: Context) => string) | undefined;
}

/** What the middleware gives to the handlers behind it. */
export interface ResilienceVariables {
  /** Of this request: its `signal` aborts at the timeout, and when the client leaves. */
  readonly resilience: CallContext;
}

/**
 * Middleware that handles each request through the policy, whose state all requests share. What a
 * handler throws is a failure, and is handled by the application as without it; a reply of 500 and
 * above is one too, and is given as it is. Retries and hedges have no place here: a handler cannot
 * run twice for one request.
 */
export function resilience(
  policy: Policy,
  { keyOf }: ResilienceOptions = {},
): MiddlewareHandler<{ Variables: ResilienceVariables }> {
  checkPolicy(policy);
  return async (c, next) => {
    const settled = await policy.settle(
      async (context) => {
        c.set('resilience', context);
        await next();
        // Hono keeps what a handler throws in `c.error`, with the reply that its handler made.
        if (c.error !== undefined) throw c.error;
        if (c.res.status >= 500) throw new BadReply();
      },
      { signal: c.req.raw.signal, key: keyOf?.(c), repeatable: false },
    );
    switch (settled.kind) {
      case 'returned':
        return undefined;
      case 'failed':
        // What the handler threw, or replied, stands; anything else is a policy's own fault.
        if (settled.error !== c.error && !(settled.error instanceof BadReply)) throw settled.error;
        return undefined;
      case 'aborted':
        return new Response(null, { status: CLIENT_GONE });
      case 'refused':
      case 'timed-out':
        return problemOf(settled.error);
      default:
        return unreachable(settled);
    }
  };
}

/** Nobody reads it; logs do. */
const CLIENT_GONE = 499;

/** Tells the policies of a bad reply that was made without an error. */
class BadReply extends Error {}

function problemOf(error: RefusedError | TimedOutError): Response {
  const status = statusOf(error);
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  const retryAfterMs = error instanceof RefusedError ? error.retryAfterMs : 0;
  if (retryAfterMs > 0 && Number.isFinite(retryAfterMs)) {
    headers.set('retry-after', String(Math.ceil(retryAfterMs / 1_000)));
  }
  const title = TITLES[status];
  // The message names limits and names of our own, which are nobody's business outside.
  return new Response(JSON.stringify({ title, status, code: error.code }), { status, headers });
}

const TITLES = {
  429: 'Too Many Requests',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const;

function statusOf(error: RefusedError | TimedOutError): keyof typeof TITLES {
  if (error instanceof TimedOutError) return 504;
  return error.by === 'rate-limiter' ? 429 : 503;
}
