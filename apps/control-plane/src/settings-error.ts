import { LenoError } from '@leno/std';

/** Settings that cannot be used; the message has a line for each of them. Exit code 64. */
export class SettingsError extends LenoError {
  readonly code = 'LENO_SETTINGS';
  readonly fault = 'mesh';
}
