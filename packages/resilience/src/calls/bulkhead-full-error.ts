import { RefusedError } from './refused-error.ts';

/** What a refusal of a bulkhead knows. */
export interface BulkheadRefusal {
  readonly name: string;
  /** `queue-full`: no place and no room to wait; `waited`: no place for as long as it could wait. */
  readonly because: 'queue-full' | 'waited';
  readonly limit: number;
  readonly queueCountMax: number;
}

/** A bulkhead had no place for the call, which was not made. */
export class BulkheadFullError extends RefusedError {
  readonly code = 'LENO_BULKHEAD_FULL';
  readonly by = 'bulkhead';
  readonly bulkhead: string;
  readonly because: BulkheadRefusal['because'];

  constructor({ name, because, limit, queueCountMax }: BulkheadRefusal) {
    const what = because === 'waited' ? 'no place came free in time' : 'the queue is full';
    super(`bulkhead ${name}: ${limit} calls at work, ${queueCountMax} may wait: ${what}`, 0);
    this.bulkhead = name;
    this.because = because;
  }
}
