/**
 * What to give up before the process runs out of something. From how much of each resource is used
 * up, 0 to 1 and beyond, it decides on one step for all listeners:
 *
 *   none --0.85--> save --0.92--> refuse --0.97--> deaf        (and back, one `heldMs` after it is
 *   `save`: connections without work; `refuse`: new requests; `deaf`: new connections    0.05 less)
 *
 * For heap and loop a step is entered when three readings in a row ask for it, so that neither garbage
 * that is about to be collected nor one long turn of the event loop does; memory that the system counts
 * is gone whoever holds it, and a flood fills it in less than three readings: there the first one
 * counts. A step is left when for `heldMs` no reading has asked for it.
 * Not every resource may ask for everything: connections are given back by saving them, and a loop
 * that is late is late for requests. It refuses of these a share that grows with the delay, since a
 * proxy that refuses all of them and then none would swing between the two.
 *
 * After Envoy's overload manager (reduce timeouts, stop keep-alive, reject requests, stop accepting),
 * with all of it fixed: there is little to gain from other numbers, and much to lose.
 * Sans-IO: readings and time come in as values, the step goes out as one.
 */

/** In ascending order of what is given up. */
export const overloadSteps = ['none', 'save', 'refuse', 'deaf'] as const;
/** What is given up: nothing, idle connections, new requests, or new connections as well. */
export type OverloadStep = (typeof overloadSteps)[number];

/** What a process can run short of; also label values in metrics. */
export const resources = ['heap', 'memory', 'connections', 'loop_delay'] as const;
/** One of `resources`. */
export type Resource = (typeof resources)[number];

/** How much of each is used up; 1 is all of it, 0 also what is not bounded. */
export type Pressures = Readonly<Record<Resource, number>>;

/** Where each step begins. */
const SAVE_RATIO = 0.85;
const REFUSE_RATIO = 0.92;
const DEAF_RATIO = 0.97;
/** How much lower than it was entered a step is left. */
const HYSTERESIS_RATIO = 0.05;
const HELD_MS = 1_000;

/** The most that a resource may ask for, as an index of `overloadSteps`. */
const stepMax: Readonly<Record<Resource, number>> = {
  heap: 3,
  memory: 3,
  connections: 1,
  loop_delay: 2,
};

/** How many readings in a row enter a step. */
const readingCounts: Readonly<Record<Resource, number>> = {
  heap: 3,
  memory: 1,
  connections: 1,
  loop_delay: 3,
};

/** Whether a resource has a share of requests refused rather than all of them. */
const isGradual: Readonly<Record<Resource, boolean>> = {
  heap: false,
  memory: false,
  connections: false,
  loop_delay: true,
};

export class Overload {
  readonly #strains = resources.map((resource) => new Strain(resource));
  #step: OverloadStep = 'none';
  #refusedRatio = 0;
  #worst: Resource = 'heap';

  get step(): OverloadStep {
    return this.#step;
  }

  /** The share of new requests that is to be refused. */
  get refusedRatio(): number {
    return this.#refusedRatio;
  }

  /** The resource that asks for most. */
  get worst(): Resource {
    return this.#worst;
  }

  /** Takes one reading of everything; readings come at even intervals. Gives the step. */
  judge(pressures: Pressures, nowMs: number): OverloadStep {
    let worst = this.#strains[0];
    let refusedRatio = 0;
    for (const strain of this.#strains) {
      strain.judge(pressures[strain.resource], nowMs);
      refusedRatio = Math.max(refusedRatio, strain.refusedRatio);
      if (worst === undefined || strain.step > worst.step) worst = strain;
    }
    this.#step = overloadSteps[worst?.step ?? 0] ?? 'none';
    this.#worst = worst?.resource ?? 'heap';
    this.#refusedRatio = refusedRatio;
    return this.#step;
  }
}

/** One resource: its latest readings, and the step that they ask for. */
class Strain {
  readonly resource: Resource;
  step = 0;
  readonly #readings: Float64Array;
  #at = 0;
  #calmSinceMs = -1;

  constructor(resource: Resource) {
    this.resource = resource;
    this.#readings = new Float64Array(readingCounts[resource]);
  }

  get refusedRatio(): number {
    if (this.step < 2) return 0;
    if (!isGradual[this.resource]) return 1;
    const share = (Math.min(...this.#readings) - REFUSE_RATIO) / (DEAF_RATIO - REFUSE_RATIO);
    return Math.min(1, Math.max(0, share));
  }

  judge(reading: number, nowMs: number): void {
    this.#readings[this.#at] = reading;
    this.#at = (this.#at + 1) % this.#readings.length;
    const asked = this.#stepOf(Math.min(...this.#readings));
    const kept = this.#stepOf(reading + HYSTERESIS_RATIO);
    if (asked > this.step) {
      this.step = asked;
      this.#calmSinceMs = -1;
    } else if (kept >= this.step) {
      this.#calmSinceMs = -1;
    } else if (this.#calmSinceMs < 0) {
      this.#calmSinceMs = nowMs;
    } else if (nowMs - this.#calmSinceMs >= HELD_MS) {
      this.step = kept;
      this.#calmSinceMs = -1;
    }
  }

  #stepOf(ratio: number): number {
    const step = ratio >= DEAF_RATIO ? 3 : ratio >= REFUSE_RATIO ? 2 : ratio >= SAVE_RATIO ? 1 : 0;
    return Math.min(step, stepMax[this.resource]);
  }
}
