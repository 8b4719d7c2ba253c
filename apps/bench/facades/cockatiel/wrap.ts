import type { ExecutablePolicy, PolicyContext, PolicyFunction } from './executable-policy.ts';
import { noop } from './noop-policy.ts';
import { neverAborted } from './signals.ts';

/** The first is the outermost; its events are those of the whole. */
export function wrap(...policies: readonly ExecutablePolicy[]): ExecutablePolicy & {
  readonly wrapped: readonly ExecutablePolicy[];
} {
  const [outermost = noop] = policies;
  return {
    wrapped: policies,
    onSuccess: outermost.onSuccess,
    onFailure: outermost.onFailure,
    execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T> {
      const run = (index: number, context: PolicyContext | undefined): Promise<T> => {
        const policy = policies[index];
        const inner = context?.signal ?? signal ?? neverAborted;
        if (policy === undefined) {
          return Promise.resolve(fn({ signal: inner, ...context }, inner));
        }
        return policy.execute((next) => run(index + 1, { ...context, ...next }), inner);
      };
      return run(0, undefined);
    },
  };
}
