import type { ExecutablePolicy } from './executable-policy.ts';

/** A decorator of methods: calls them through the policy, with its context as last argument. */
export function usePolicy(policy: ExecutablePolicy) {
  return (_target: unknown, _key: string, descriptor: PropertyDescriptor): void => {
    const inner = descriptor.value as (...args: readonly unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: readonly unknown[]): Promise<unknown> {
      const last = args.at(-1);
      const signal = last instanceof AbortSignal ? last : undefined;
      const own = signal === undefined ? args : args.slice(0, -1);
      return policy.execute((context) => inner.apply(this, [...own, context]), signal);
    };
  };
}
