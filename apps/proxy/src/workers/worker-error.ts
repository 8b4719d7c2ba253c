import { LenoError } from '@leno/std';

/** A worker process did not do what it was told: it ended, it did not answer, or it says why not. */
export class WorkerError extends LenoError {
  readonly code = 'LENO_WORKER';
  readonly fault = 'mesh';
}
