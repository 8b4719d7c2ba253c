import type { BreakerState } from '../breaker/breaker-report.ts';
import { RefusedError } from './refused-error.ts';

/** What a refusal knows. */
export interface BreakerRefusal {
  /** Of the breaker. */
  readonly name: string;
  /** `half-open` if probes are under way. */
  readonly state: BreakerState;
  /** `Infinity` while the breaker is forced open or isolated. */
  readonly retryAfterMs: number;
  /** What the last failed call threw, if it threw. */
  readonly cause: unknown;
}

/** The breaker refused the call, which was not made. `cause` is what the last failed one threw. */
export class BreakerOpenError extends RefusedError {
  readonly code = 'LENO_BREAKER_OPEN';
  readonly by = 'breaker';
  readonly breaker: string;
  readonly state: BreakerState;

  constructor(refusal: BreakerRefusal) {
    const { name, state, retryAfterMs, cause } = refusal;
    const text = `breaker ${name} is ${state}: ask again in ${Math.ceil(retryAfterMs)} ms`;
    super(text, retryAfterMs, cause === undefined ? undefined : refusal);
    this.breaker = name;
    this.state = state;
  }
}
