import { LenoError } from '../leno-error.ts';

/** The program could not be started at all: not found, or not executable. */
export class ProcessStartError extends LenoError {
  readonly code = 'LENO_PROCESS_START';
  readonly fault = 'mesh';
}

/** A child did not become ready: it ended first, or its time was up. The message holds its last lines. */
export class ProcessNotReadyError extends LenoError {
  readonly code = 'LENO_PROCESS_NOT_READY';
  readonly fault = 'mesh';
}
