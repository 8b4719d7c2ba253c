import type { UpstreamTry } from './upstream-try.ts';

/** Methods that may be sent again without doing their work twice (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/** Whether nothing is done twice, and nothing is missing, if a try that has begun is sent again. */
export function isRepeatable(attempt: UpstreamTry): boolean {
  return IDEMPOTENT.has(attempt.outgoing.method) && attempt.bodyByteCount === 0;
}
