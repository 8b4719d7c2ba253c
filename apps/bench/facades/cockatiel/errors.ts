/** The errors of cockatiel by its names; ours, of which they are made, is the cause of each. */
export class BrokenCircuitError extends Error {
  override readonly name: string = 'BrokenCircuitError';
  readonly isBrokenCircuitError = true;

  constructor(message = 'The circuit breaker is open: the call was not made', cause?: unknown) {
    super(message, { cause });
  }
}

export class IsolatedCircuitError extends BrokenCircuitError {
  override readonly name = 'IsolatedCircuitError';
  readonly isIsolatedCircuitError = true;
}

export class HydratingCircuitError extends Error {
  override readonly name = 'HydratingCircuitError';
  readonly isHydratingCircuitError = true;
}

export class BulkheadRejectedError extends Error {
  override readonly name = 'BulkheadRejectedError';
  readonly isBulkheadRejectedError = true;

  constructor(executionSlots: number, queueSlots: number, cause?: unknown) {
    super(`All ${executionSlots} places and ${queueSlots} to wait at are taken`, { cause });
  }
}

export class TaskCancelledError extends Error {
  override readonly name = 'TaskCancelledError';
  readonly isTaskCancelledError = true;

  constructor(message = 'Operation cancelled', cause?: unknown) {
    super(message, { cause });
  }
}

export const isBrokenCircuitError = has('isBrokenCircuitError');
export const isIsolatedCircuitError = has('isIsolatedCircuitError');
export const isHydratingCircuitError = has('isHydratingCircuitError');
export const isBulkheadRejectedError = has('isBulkheadRejectedError');
export const isTaskCancelledError = has('isTaskCancelledError');

function has(mark: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && mark in error;
}
