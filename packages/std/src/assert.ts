/** Thrown by `assert` and `unreachable`: a bug in the program, never a fault of its input. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * Stops at once where the program contradicts itself. For bugs only, and on in production:
 * bad input gets a `LenoError`. `claim` says what should have held.
 */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(`assertion failed: ${claim}`);
}

/** Ends a `switch` over a union: the compiler proves that it is not reached, and this says so if it is. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
