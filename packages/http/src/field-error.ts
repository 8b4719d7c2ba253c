import { LenoError } from '@leno/std';

/** A field that must not be written: its name is no token, or its value would break the line. */
export class FieldError extends LenoError {
  readonly code = 'LENO_FIELD_INVALID';
  readonly fault = 'mesh';
  readonly fieldName: string;

  constructor(fieldName: string, problem: string) {
    // JSON makes control characters visible: a log must not be forged by what it reports.
    super(`field ${JSON.stringify(fieldName.slice(0, 64))}: ${problem}; leave it out or encode it`);
    this.fieldName = fieldName;
  }
}
