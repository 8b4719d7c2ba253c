import { OptionError } from '@leno/std';

/** Policies that cannot be compiled; `problems` names every place and value at fault. */
export class AccessPolicyError extends OptionError {
  readonly code = 'LENO_ACCESS_POLICY';
}
