import type { Settled } from '@leno/resilience';
import { BrokenCircuitError, BulkheadRejectedError, TaskCancelledError } from './errors.ts';

/** The value, or what cockatiel throws in place of ours. */
export function unwrap<T>(settled: Settled<T>): T {
  switch (settled.kind) {
    case 'returned':
      return settled.value;
    case 'failed':
      throw settled.error;
    case 'timed-out': {
      const { error } = settled;
      throw new TaskCancelledError(`Operation timed out after ${error.timeoutMs}ms`, error);
    }
    case 'refused': {
      const { error } = settled;
      if (error.by === 'bulkhead') throw new BulkheadRejectedError(Number.NaN, Number.NaN, error);
      throw new BrokenCircuitError(undefined, error);
    }
    default:
      throw new TaskCancelledError(undefined, settled.reason);
  }
}
