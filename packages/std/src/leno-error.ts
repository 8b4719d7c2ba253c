/** Whom a failure is to be blamed on: the caller, the service called, or the mesh itself. */
export type Fault = 'downstream' | 'upstream' | 'mesh';

/**
 * The root of every error that Leno throws on purpose. Callers match on `code`, which is stable;
 * the message names the path or value at fault and what to do, and may change.
 */
export abstract class LenoError extends Error {
  /** `LENO_…`, unique in the project. */
  abstract readonly code: `LENO_${string}`;
  abstract readonly fault: Fault;
  /** Whether the same request may be sent again without the risk of doing its work twice. */
  readonly replayable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The message of anything that was thrown, for a log line or a reply; never throws itself. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return typeof thrown === 'string' ? thrown : String(thrown);
}

/** The `code` of anything thrown that carries one as a string (`ECONNREFUSED`, `LENO_…`), else ''. */
export function codeOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return '';
  return typeof thrown.code === 'string' ? thrown.code : '';
}
