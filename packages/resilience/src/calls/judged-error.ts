import type { CallOutcome } from '../breaker/breaker-report.ts';
import { OutcomeError } from './outcome-error.ts';

/** What an adapter knows of a call that did not end well. */
export interface Judgement {
  /** What it says of the service. */
  readonly outcome: CallOutcome;
  /** Whether another try may mend it, and would do nothing twice. */
  readonly isRepeatable: boolean;
  /** What the service asked for; 0 if nothing. */
  readonly retryAfterMs: number;
  /** Of the reply, if one came; for the message. */
  readonly status?: number | undefined;
  /** The reply that came, if one did: adapters give it out in the end. */
  readonly reply?: unknown;
  /** What was thrown, if no reply came. */
  readonly cause?: unknown;
}

/**
 * How adapters tell policies that a call has failed, with what the protocol says of it: breakers
 * and throttlers take its outcome, retries and hedges whether it may be repeated. Adapters unwrap
 * it: their callers get the reply, or what was thrown.
 */
export class JudgedError extends OutcomeError {
  readonly code = 'LENO_JUDGED';
  override readonly replayable: boolean;
  readonly outcome: CallOutcome;
  readonly retryAfterMs: number;
  readonly reply: unknown;

  constructor(judgement: Judgement) {
    const { outcome, isRepeatable, retryAfterMs, status, reply, cause } = judgement;
    const what = status === undefined ? 'an attempt' : `a reply of status ${status}`;
    super(`${what} that is a ${outcome}`, cause === undefined ? undefined : { cause });
    this.outcome = outcome;
    this.replayable = isRepeatable;
    this.retryAfterMs = retryAfterMs;
    this.reply = reply;
  }
}
