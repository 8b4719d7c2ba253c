import { LenoError } from '@leno/std';

/** The command was used wrongly. Exit code 2. */
export class UsageError extends LenoError {
  readonly code = 'LENO_CLI_USAGE';
  readonly fault = 'downstream';
}

/** The control plane did not answer. Exit code 3. */
export class UnreachableError extends LenoError {
  readonly code = 'LENO_CLI_UNREACHABLE';
  readonly fault = 'mesh';
  override readonly replayable = true;
}

/** What was asked for was looked at, and it is not well. Exit code 1. */
export class CheckFailedError extends LenoError {
  readonly code = 'LENO_CLI_CHECK_FAILED';
  readonly fault = 'downstream';
}

/** The exit code that stands for what was thrown. */
export function exitCodeOf(thrown: unknown): 1 | 2 | 3 {
  if (thrown instanceof UsageError) return 2;
  return thrown instanceof UnreachableError ? 3 : 1;
}
