/** What the benchmarks and the facades use of peers that bring no types of their own. */

declare module 'opossum' {
  import type { EventEmitter } from 'node:events';

  namespace CircuitBreaker {
    interface Options {
      timeout?: number | false;
      maxFailures?: number;
      resetTimeout?: number;
      rollingCountTimeout?: number;
      rollingCountBuckets?: number;
      rollingPercentilesEnabled?: boolean;
      capacity?: number;
      errorThresholdPercentage?: number;
      enabled?: boolean;
      allowWarmUp?: boolean;
      volumeThreshold?: number;
      errorFilter?: (error: unknown, ...args: unknown[]) => boolean;
      cache?: boolean;
      coalesce?: boolean;
      abortController?: AbortController;
      enableSnapshots?: boolean;
      autoRenewAbortController?: boolean;
      name?: string;
      state?: unknown;
      status?: unknown;
    }
  }

  class CircuitBreaker extends EventEmitter {
    constructor(action: (...args: never[]) => unknown, options?: CircuitBreaker.Options);
    readonly name: string;
    readonly opened: boolean;
    readonly closed: boolean;
    readonly halfOpen: boolean;
    readonly enabled: boolean;
    readonly stats: Readonly<Record<string, unknown>>;
    readonly status: EventEmitter;
    fire(...args: unknown[]): Promise<unknown>;
    fallback(action: unknown): this;
    open(): void;
    close(): void;
    enable(): void;
    disable(): void;
    shutdown(): void;
    toJSON(): { readonly state: unknown; readonly status: unknown };
  }
  export = CircuitBreaker;
}

declare module 'brakes' {
  interface BrakesOptions {
    timeout?: number;
    bucketSpan?: number;
    bucketNum?: number;
    waitThreshold?: number;
    threshold?: number;
    circuitDuration?: number;
    statInterval?: number;
    name?: string;
  }
  class Brakes {
    constructor(action: (...args: never[]) => unknown, options?: BrakesOptions);
    exec(...args: unknown[]): Promise<unknown>;
    isOpen(): boolean;
    destroy(): void;
  }
  export = Brakes;
}

declare module 'loadbalance' {
  interface Engine<T> {
    pick(): T;
  }
  const loadbalance: {
    roundRobin<T>(
      pool: readonly T[] | readonly { readonly object: T; readonly weight: number }[],
    ): Engine<T>;
  };
  export = loadbalance;
}

declare module 'hashring' {
  class HashRing {
    constructor(
      servers: readonly string[] | Readonly<Record<string, { readonly weight: number }>>,
      algorithm?: string | ((key: string) => number[]),
      options?: Readonly<Record<string, unknown>>,
    );
    get(key: string): string;
    remove(server: string): this;
  }
  export = HashRing;
}

declare module 'consistent-hash' {
  class ConsistentHash {
    constructor(options?: {
      readonly range?: number;
      readonly weight?: number;
      readonly distribution?: string;
      readonly orderNodes?: boolean;
    });
    add(node: string, weight?: number): this;
    remove(node: string): this;
    get(key: string): string;
  }
  export = ConsistentHash;
}
