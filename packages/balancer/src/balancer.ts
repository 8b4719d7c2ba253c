/**
 * A balancer for people: a set, a way to pick, and what stands around them, in one.
 *
 *   update(members) ──▶ [ priorities, zones, health, slow start ] ──▶ pick(key?) ──▶ call ──▶ done
 *
 * `pick` gives a handle: the same object for an endpoint for as long as it stays, so that a pick
 * allocates nothing. Every pick is to be ended by `done`, which is what the pickers learn from.
 * There are no timers: time is read from a clock in `pick` and `done`.
 */
import { type Clock, OptionProblems, type Rng, systemClock, systemRng } from '@leno/std';
import { EndpointSet, type MembershipChange, type MembershipPatch } from './endpoint-set.ts';
import { InvalidOptionError } from './invalid-option-error.ts';
import { checkedLevelRules, type LevelOptions } from './levels/level-options.ts';
import { LeveledPicker, type LevelReport } from './levels/leveled-picker.ts';
import type { ZoneSplit } from './levels/zone-split.ts';
import { peakEwma } from './pickers/peak-ewma.ts';
import type { PickOutcome } from './pickers/picker.ts';
import type { Policy } from './pickers/policy.ts';
import type { Member } from './roster.ts';
import type { Health } from './slot-table.ts';
import type { SlowStartOptions } from './slow-start.ts';

/** Where time and chance come from. */
export interface BalancerPorts {
  /** Default the runtime's own. */
  readonly clock?: Clock | undefined;
  /** Default the runtime's own. */
  readonly rng?: Rng | undefined;
}

/** How a balancer picks. Checked once; throws `InvalidOptionError` with all that is wrong. */
export interface BalancerOptions<M extends Member> extends LevelOptions {
  /** Default `peakEwma()`. */
  readonly policy?: Policy | undefined;
  /** New endpoints take up their share bit by bit. Off unless given; `{}` is 30 s from 10 %. */
  readonly slowStart?: SlowStartOptions | undefined;
  /** Whether an endpoint may be picked now, as its breaker says. Must be pure. Default: all may. */
  readonly admits?: ((member: M) => boolean) | undefined;
  readonly ports?: BalancerPorts | undefined;
}

/** One endpoint, for people. */
export interface EndpointReport {
  readonly id: string;
  /** As the policy's picker says. */
  readonly score: number;
  readonly weight: number;
  /** What slow start leaves of the weight. */
  readonly warmWeight: number;
  readonly inFlightCount: number;
  readonly health: Health;
}

/** Why the next pick will go where it goes. */
export interface BalancerReport {
  readonly policy: string;
  readonly panicCount: number;
  readonly endpoints: readonly EndpointReport[];
  readonly levels: readonly LevelReport[];
  /** Where zones are asked for. */
  readonly zones: ZoneSplit | undefined;
}

/** What handles need of their balancer. */
interface Core<M extends Member> {
  readonly set: EndpointSet<M>;
  readonly picker: LeveledPicker<M>;
  readonly clock: Clock;
}

/** One endpoint during one stay in the set: the same object for all calls to it. */
export class EndpointHandle<M extends Member> {
  readonly #core: Core<M>;
  readonly #slot: number;
  readonly #stamp: number;
  #member: M;

  /** Made by balancers. */
  constructor(core: Core<M>, index: number) {
    this.#core = core;
    this.#slot = core.set.slotAt(index);
    this.#stamp = core.set.stampOf(this.#slot);
    this.#member = core.set.at(index);
  }

  /** As in the last update that had it. */
  get member(): M {
    return this.#member;
  }

  /** Takes the member's new form, if it is still the same stay; says whether. For balancers. */
  renew(stamp: number, member: M): boolean {
    if (stamp !== this.#stamp) return false;
    this.#member = member;
    return true;
  }

  /** As last told by `mark`. */
  get health(): Health {
    const index = this.#index();
    return index < 0 ? 'unhealthy' : this.#core.set.healthAt(index);
  }

  /**
   * A call to it ended so, after `tookMs`. Once for each pick. Of an endpoint that has left
   * nothing is learnt.
   */
  done(outcome: PickOutcome, tookMs: number): void {
    const { picker, clock } = this.#core;
    const index = this.#index();
    if (index >= 0) picker.ended(index, clock.nowMs(), tookMs, outcome);
  }

  /** Takes note of its health: of a health check, or of its breaker. */
  mark(health: Health): void {
    const { set, clock } = this.#core;
    set.setHealth(this.#index(), health, clock.nowMs());
  }

  /** Where it is now; -1 once it has left, though its id may have returned. */
  #index(): number {
    const { table } = this.#core.set;
    return table.stampOf(this.#slot) === this.#stamp ? table.indexOf(this.#slot) : -1;
  }
}

/** See `createBalancer`. */
export class Balancer<M extends Member> {
  readonly #core: Core<M>;
  readonly #policy: Policy;
  readonly #rng: Rng;
  readonly #admits: ((index: number) => boolean) | undefined;
  readonly #key = { hash: { hi: 0, lo: 0 }, attempt: 0 };
  #handles: readonly EndpointHandle<M>[] = [];
  #handleBySlot: (EndpointHandle<M> | undefined)[] = [];

  constructor(options: BalancerOptions<M> = {}) {
    const { policy = peakEwma(), slowStart, admits, ports } = options;
    const rules = checkedLevelRules(options);
    const set = new EndpointSet<M>({ slowStart });
    const picker = new LeveledPicker(set, policy.pickersOf<M>(), rules);
    this.#core = { set, picker, clock: ports?.clock ?? systemClock };
    this.#policy = policy;
    this.#rng = ports?.rng ?? systemRng;
    this.#admits = admits && ((index) => admits(set.at(index)));
  }

  /** How many endpoints there are. */
  get length(): number {
    return this.#core.set.length;
  }

  /** Picks for which health and `admits` were ignored, because too few endpoints were left. */
  get panicCount(): number {
    return this.#core.picker.panicCount;
  }

  /** Takes the present endpoints; what is known of those that stay is kept. O(n). */
  update(members: readonly M[]): MembershipChange<M> {
    const { set, clock } = this.#core;
    const change = set.update(members, clock.nowMs());
    this.#follow();
    return change;
  }

  /** As `update`, told by what differs. */
  apply(patch: MembershipPatch<M>): MembershipChange<M> {
    const { set, clock } = this.#core;
    const change = set.apply(patch, clock.nowMs());
    this.#follow();
    return change;
  }

  /**
   * The endpoint for the next call, or `undefined` if there is none that may be picked. The call
   * counts as under way until the handle's `done`. `key` is what the call is placed by, for
   * policies that hash; `attempt` is 0 but for another try of the same call.
   */
  pick(key?: string, attempt = 0): EndpointHandle<M> | undefined {
    const { picker, clock } = this.#core;
    const nowMs = clock.nowMs();
    const index = this.#pickIndex(nowMs, key, attempt);
    if (index < 0) return undefined;
    picker.started(index, nowMs);
    return this.#handles[index];
  }

  /** The handle of an endpoint by its id: to mark its health, say. */
  handleOf(id: string): EndpointHandle<M> | undefined {
    return this.#handles[this.#core.set.indexOf(id)];
  }

  /** Changes nothing. For people: it allocates. */
  explain(): BalancerReport {
    const { set, picker, clock } = this.#core;
    const endpoints = picker.explain(clock.nowMs()).map(({ id, score }, index) => ({
      id,
      score,
      weight: set.weightAt(index),
      warmWeight: set.warmWeightAt(index),
      inFlightCount: set.inFlightAt(index),
      health: set.healthAt(index),
    }));
    const { kind } = this.#policy;
    const { panicCount, levels, zoneSplit } = picker;
    return { policy: kind, panicCount, endpoints, levels, zones: zoneSplit };
  }

  #pickIndex(nowMs: number, key: string | undefined, attempt: number): number {
    const { picker } = this.#core;
    const { hash } = this.#policy;
    if (key === undefined || hash === undefined) {
      return picker.pick(nowMs, this.#rng, this.#admits);
    }
    if (typeof key !== 'string') throw notText(key);
    hash(key, this.#key.hash);
    this.#key.attempt = attempt;
    return picker.pick(nowMs, this.#rng, this.#admits, this.#key);
  }

  /** A handle for each endpoint; who stays keeps its own. */
  #follow(): void {
    const { set } = this.#core;
    const bySlot: (EndpointHandle<M> | undefined)[] = [];
    this.#handles = Array.from({ length: set.length }, (_, index) => {
      const slot = set.slotAt(index);
      const before = this.#handleBySlot[slot];
      const isSame = before?.renew(set.stampOf(slot), set.at(index)) === true;
      const handle = isSame ? before : new EndpointHandle(this.#core, index);
      bySlot[slot] = handle;
      return handle;
    });
    this.#handleBySlot = bySlot;
  }
}

/** For programs without types: numbers would all have one and the same hash. */
function notText(key: unknown): InvalidOptionError {
  const problems = new OptionProblems();
  problems.check(false, 'key', key, 'be a string');
  return new InvalidOptionError(problems);
}

/** A balancer: give it the endpoints with `update`, then `pick` one for each call. */
export function createBalancer<M extends Member = Member>(
  options: BalancerOptions<M> = {},
): Balancer<M> {
  return new Balancer(options);
}
