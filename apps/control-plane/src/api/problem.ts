/** Every error of the API: RFC 9457 problem details. */
import { STATUS_CODES } from 'node:http';
import type { Finding } from '@leno/config';
import { LenoError } from '@leno/std';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** What a problem says beside its status. */
export interface ProblemDetails {
  /** `LENO_…`: stable, for programs. */
  readonly code: string;
  /** For people: what is wrong and what to do. */
  readonly detail: string;
  readonly findings?: readonly Finding[];
  /** For a conflict: the resource version that is in force. */
  readonly resourceVersion?: string;
}

/** An error on its way to a reply. */
export class ApiProblem extends LenoError {
  readonly code: `LENO_${string}`;
  readonly fault = 'downstream';
  readonly status: ContentfulStatusCode;
  readonly details: ProblemDetails;

  constructor(status: ContentfulStatusCode, details: ProblemDetails & { code: `LENO_${string}` }) {
    super(details.detail);
    this.code = details.code;
    this.status = status;
    this.details = details;
  }
}

/** The reply to a problem. */
export function problemReply(
  context: Pick<Context, 'body'>,
  status: ContentfulStatusCode,
  details: ProblemDetails,
): Response {
  const title = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ type: 'about:blank', title, status, ...details });
  return context.body(body, status, { 'content-type': 'application/problem+json' });
}
