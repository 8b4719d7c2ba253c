import { LenoError } from '@leno/std';
import type { BreakerState } from '../breaker/breaker-report.ts';

/** What a refusal knows. */
export interface BreakerRefusal {
  /** Of the breaker. */
  readonly name: string;
  /** `half-open` if a probe is under way. */
  readonly state: BreakerState;
  readonly retryAfterMs: number;
  /** What the last failed call threw, if it threw. */
  readonly cause: unknown;
}

/** The breaker refused the call, which was not made. `cause` is what the last failed one threw. */
export class BreakerOpenError extends LenoError {
  readonly code = 'LENO_BREAKER_OPEN';
  readonly fault = 'upstream';
  override readonly replayable = true;
  readonly breaker: string;
  readonly state: BreakerState;
  /** Before this time asking again is in vain. */
  readonly retryAfterMs: number;

  constructor(refusal: BreakerRefusal) {
    const { name, state, retryAfterMs, cause } = refusal;
    const wait = `ask again in ${Math.ceil(retryAfterMs)} ms`;
    super(`breaker ${name} is ${state}: ${wait}`, cause === undefined ? undefined : { cause });
    this.breaker = name;
    this.state = state;
    this.retryAfterMs = retryAfterMs;
  }
}
