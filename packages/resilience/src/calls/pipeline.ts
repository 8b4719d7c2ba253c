/** Several policies around one call, in an order that is data: outermost first. */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { breakerPolicy } from './breaker-policy.ts';
import type { ObservedCall, Surroundings } from './call.ts';
import { CallBreaker } from './call-breaker.ts';
import { checkPart } from './check-part.ts';
import type { Stage } from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { type Ports, systemPorts } from './ports.ts';

/** What all calls of a pipeline share. */
export interface PipelineOptions {
  /** Default: the runtime's own. */
  readonly ports?: Ports | undefined;
  /**
   * Told of each call once it has ended, before its promise is settled. What it throws is dropped.
   * Default: nobody, which costs nothing.
   */
  readonly onEnding?: ((observed: ObservedCall) => void) | undefined;
}

/**
 * Puts policies around calls, the first one outermost: `pipeline(timeout(3_000), retry(),
 * breaker, bulkhead({ limit: 64 }), timeout(800))` bounds all tries together and each by itself.
 * A breaker may stand there as it is, and a pipeline may be part of another. Its policies are
 * compiled once; each call costs one promise.
 */
export function pipeline<Added = never>(
  ...policies: readonly (Policy<Added> | CallBreaker)[]
): Pipeline<Added> {
  const all = policies.map((it) => (it instanceof CallBreaker ? breakerPolicy(it) : it));
  const problems = new OptionProblems();
  for (const [index, value] of all.entries()) {
    const must = 'be a policy, or a breaker of createBreaker';
    checkPart(problems, `policies[${index}]`, { value, method: 'stage', must });
  }
  problems.throwIfAny(InvalidOptionError);
  return new Pipeline<Added>(all, { ports: systemPorts, onEnding: undefined });
}

/** See `pipeline`. */
export class Pipeline<Added = never> extends Policy<Added> {
  readonly #policies: readonly Policy<Added>[];
  readonly #surroundings: Surroundings;

  constructor(policies: readonly Policy<Added>[], surroundings: Surroundings) {
    super();
    this.#policies = policies;
    this.#surroundings = surroundings;
  }

  /** The same policies, with the same state, in other surroundings; this one stays as it is. */
  with({ ports, onEnding }: PipelineOptions): Pipeline<Added> {
    const { ports: ownPorts, onEnding: ownOnEnding } = this.#surroundings;
    return new Pipeline(this.#policies, {
      ports: ports ?? ownPorts,
      onEnding: onEnding ?? ownOnEnding,
    });
  }

  stage(next: Stage, ports: Ports): Stage {
    return this.#policies.reduceRight((inner, policy) => policy.stage(inner, ports), next);
  }

  describe(): readonly PolicyDescription[] {
    return this.#policies.flatMap((policy) => policy.describe());
  }

  override get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /** One line: `timeout(timeoutMs 3000, mode hard) › retry(…)`. */
  override toString(): string {
    return this.describe().map(lineOf).join(' › ');
  }
}

function lineOf({ policy, options }: PolicyDescription): string {
  const parts = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  return `${policy}(${parts.join(', ')})`;
}
