import { innermost } from './attempt.ts';
import { Call, type CallOptions, type Compiled, type Surroundings } from './call.ts';
import type { CallFunction, Stage } from './frame.ts';
import { type Ports, systemPorts } from './ports.ts';
import type { Settled } from './settled.ts';

/** A policy as data. */
export interface PolicyDescription {
  readonly policy: string;
  /** Those that it goes by, defaults included. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
}

/**
 * Something that may be put around calls, alone or in a `pipeline`. It holds its own state (a
 * bulkhead's places, a breaker's window), which all pipelines that it stands in share. `Added` is
 * the type of results that it may give beside those of the function: a fallback's.
 */
export abstract class Policy<Added = never> {
  #compiled: Compiled | undefined;

  /** Puts the frames of this policy around those of `next`. Not for callers. */
  abstract stage(next: Stage, ports: Ports): Stage;

  /** This policy, or each of a pipeline, the outermost first. */
  abstract describe(): readonly PolicyDescription[];

  /**
   * Calls `fn`, async or not, through the policy, and gives what it gives. Rejects with what the
   * last attempt threw, unchanged, with an error of the policy (`RefusedError`, `TimedOutError`),
   * or with the reason of the caller's signal.
   */
  execute<T>(fn: CallFunction<T>, options?: CallOptions<T>): Promise<T | Added> {
    const call = new Call(fn, options, this.#compile());
    const promise = new Promise<T | Added>(catchHandles);
    const { resolve, reject } = handles;
    call.begin(resolve, reject);
    return promise;
  }

  /** The same, but never rejects: a failure is a value, too. */
  settle<T>(fn: CallFunction<T>, options?: CallOptions<T>): Promise<Settled<T | Added>> {
    const call = new Call(fn, options, this.#compile());
    const promise = new Promise<Settled<T | Added>>(catchHandles);
    call.begin(handles.resolve, undefined);
    return promise;
  }

  #compile(): Compiled {
    if (this.#compiled === undefined) {
      const { ports, onEnding } = this.surroundings;
      this.#compiled = { ports, onEnding, stage: this.stage(innermost, ports) };
    }
    return this.#compiled;
  }

  /** What its calls have in common. */
  get surroundings(): Surroundings {
    return systemSurroundings;
  }
}

const systemSurroundings: Surroundings = { ports: systemPorts, onEnding: undefined };

/** Of the promise made last: taken at once, before anything else can run. */
const handles: {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
} = { resolve: () => {}, reject: () => {} };

/** One function for all promises, in place of a closure for each. */
function catchHandles(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  handles.resolve = resolve as (value: unknown) => void;
  handles.reject = reject;
}
