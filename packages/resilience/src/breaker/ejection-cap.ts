import { assert, OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** How much of a cluster may be out at once. */
export interface EjectionCapOptions {
  /** Share of the endpoints, 0 to 1, rounded down but at least one; 0 takes none out at all. */
  readonly ratioMax: number;
  /** Whether the last endpoint may be taken out too, so that callers fail at once. */
  readonly failFast: boolean;
}

/** Half of them, never the last one. */
export const defaultEjectionCapOptions: EjectionCapOptions = { ratioMax: 0.5, failFast: false };

/**
 * How many endpoints of one cluster may be out at once, whoever takes them out: all its breakers
 * and its outlier detection share one cap. Of n endpoints that is max(1, ⌊n · ratioMax⌋),
 * and never all n unless `failFast`: of two one, of one none. It starts with no endpoint, so
 * nothing is taken out before `setEndpointCount`.
 *
 * Envoy's cap of 10 % takes out nobody below ten hosts (envoy#27909), hence the "at least one".
 */
export class EjectionCap {
  #options: EjectionCapOptions;
  #endpointCount = 0;
  #ejectedCount = 0;
  #refusedCount = 0;

  constructor(options: EjectionCapOptions) {
    this.#options = checked(options);
  }

  /** New bounds, from now on; who is out stays out until it recovers or is found to exceed them. */
  update(options: EjectionCapOptions): void {
    this.#options = checked(options);
  }

  /** How many endpoints the cluster has now, those that are out included. */
  setEndpointCount(count: number): void {
    const problems = new OptionProblems();
    problems.count('endpoint count', count, 0);
    problems.throwIfAny(InvalidOptionError);
    this.#endpointCount = count;
  }

  /** Takes a place if there is one; pair each true with one `restore`. */
  tryEject(): boolean {
    if (this.#ejectedCount >= this.ejectedCountMax) {
      this.#refusedCount += 1;
      return false;
    }
    this.#ejectedCount += 1;
    return true;
  }

  /** Gives a place back. */
  restore(): void {
    assert(this.#ejectedCount > 0, 'restore() pairs with a tryEject() that gave true');
    this.#ejectedCount -= 1;
  }

  /** How many may be out now. */
  get ejectedCountMax(): number {
    const { ratioMax, failFast } = this.#options;
    if (ratioMax === 0) return 0;
    // The epsilon keeps 0.29 × 100 at 29, which floating point puts just below.
    const share = Math.max(1, Math.floor(this.#endpointCount * ratioMax + 1e-9));
    return Math.min(share, failFast ? this.#endpointCount : Math.max(0, this.#endpointCount - 1));
  }

  get ejectedCount(): number {
    return this.#ejectedCount;
  }

  /** More are out than may be, because healthy endpoints have left or the bounds have changed. */
  get isExceeded(): boolean {
    return this.#ejectedCount > this.ejectedCountMax;
  }

  /** How often the cap refused, since the start: the metric of this bound. */
  get refusedCount(): number {
    return this.#refusedCount;
  }
}

function checked(options: EjectionCapOptions): EjectionCapOptions {
  const problems = new OptionProblems();
  problems.range('ratioMax', options.ratioMax, 0, 1);
  problems.throwIfAny(InvalidOptionError);
  return { ratioMax: options.ratioMax, failFast: options.failFast };
}
