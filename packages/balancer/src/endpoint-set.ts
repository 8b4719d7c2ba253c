/**
 * The endpoints of one cluster, by position and by id, and a place for what is remembered of each.
 *
 *   index   position in the last `update`, 0 to length - 1: what pickers give and take. It holds
 *           until the next update; whoever keeps an endpoint longer asks `indexOf` with its id.
 *
 * State that every picker shares lies in the set (weight, health, calls under way, slow start);
 * what one kind of picker learns lies in its own arrays. So a change of the list, or of the picker,
 * forgets nothing of an endpoint that stays.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from './invalid-option-error.ts';
import { type Member, Roster } from './roster.ts';
import { type Health, SlotTable } from './slot-table.ts';
import { SlowStart, type SlowStartOptions } from './slow-start.ts';

/** How a set treats its endpoints. */
export interface EndpointSetOptions {
  /** How a new endpoint takes up its share; at once, unless given. */
  readonly slowStart?: SlowStartOptions | undefined;
}

/** What an update changed. */
export interface MembershipChange<M extends Member> {
  readonly added: readonly M[];
  readonly removed: readonly M[];
  /** Left out, because a member before them in the list has the same id. */
  readonly duplicates: readonly M[];
}

/** A change of some endpoints, the others as they are. */
export interface MembershipPatch<M extends Member> {
  /** Those that come, at the end of the list, and those that change, where they are. */
  readonly put?: readonly M[] | undefined;
  /** Ids of those that go; one that is not there is no mistake. */
  readonly remove?: readonly string[] | undefined;
}

/** The bounds of a weight, but for 0: sums and quotients of such are exact enough for turns. */
const WEIGHT_MIN = 1e-6;
const WEIGHT_MAX = 1e9;
const PRIORITY_MAX = 127;

/** The list of endpoints that pickers choose from. Starts empty; `update` fills it. */
export class EndpointSet<M extends Member> extends Roster<M> {
  #indexById = new Map<string, number>();

  /** Throws `InvalidOptionError` for a ramp that is none. */
  constructor({ slowStart }: EndpointSetOptions = {}) {
    super(new SlotTable(slowStart && new SlowStart(slowStart)));
  }

  /**
   * Takes the present endpoints, in order, with their present weights; O(n). Throws
   * `InvalidOptionError` with all that is wrong, and leaves the old list whole then.
   */
  update(members: readonly M[], nowMs: number): MembershipChange<M> {
    check(members);
    const next = new Map<string, number>();
    const kept: M[] = [];
    const duplicates: M[] = [];
    for (const member of members) {
      if (next.has(member.id)) {
        duplicates.push(member);
        continue;
      }
      next.set(member.id, kept.length);
      kept.push(member);
    }
    const removed: M[] = [];
    for (let index = 0; index < this.length; index += 1) {
      const member = this.at(index);
      if (next.has(member.id)) continue;
      removed.push(member);
      this.table.free(this.slotAt(index));
    }
    return { added: this.#install(kept, next, nowMs), removed, duplicates };
  }

  /** As `update`, told by what differs. An id that is both put and removed goes and comes anew. */
  apply({ put = [], remove = [] }: MembershipPatch<M>, nowMs: number): MembershipChange<M> {
    check(put);
    const gone = new Set(remove);
    const changed = new Map<string, M>();
    const duplicates: M[] = [];
    for (const member of put) {
      if (changed.has(member.id)) duplicates.push(member);
      else changed.set(member.id, member);
    }
    const rest: M[] = [];
    const back: M[] = [];
    for (let index = 0; index < this.length; index += 1) {
      const member = this.at(index);
      const next = changed.get(member.id);
      if (!gone.has(member.id)) rest.push(next ?? member);
      else if (next !== undefined) back.push(member);
      if (!gone.has(member.id)) changed.delete(member.id);
    }
    // Whoever goes and comes anew must be gone in between, so that nothing of it is kept.
    const left = back.length > 0 ? this.update(rest, nowMs).removed : [];
    const change = this.update([...rest, ...changed.values()], nowMs);
    return { added: change.added, removed: [...left, ...change.removed], duplicates };
  }

  /** Where the id is now, or -1. */
  indexOf(id: string): number {
    return this.#indexById.get(id) ?? -1;
  }

  /**
   * Takes note of an endpoint's health. One that becomes healthy again starts slowly, where slow
   * start is on.
   */
  setHealth(index: number, health: Health, nowMs: number): void {
    const slot = this.slotAt(index);
    if (slot < 0) return;
    const before = this.table.healthOf(slot);
    if (before === 'unhealthy' && health !== 'unhealthy') this.table.warmUp(slot, nowMs);
    this.table.setHealth(slot, health);
  }

  /** Lets the endpoint take up its share anew; does nothing unless slow start is on. */
  warmUp(index: number, nowMs: number): void {
    const slot = this.slotAt(index);
    if (slot >= 0) this.table.warmUp(slot, nowMs);
  }

  #install(members: readonly M[], next: Map<string, number>, nowMs: number): M[] {
    const slots = new Int32Array(members.length);
    const added: M[] = [];
    for (const [index, member] of members.entries()) {
      const before = this.#indexById.get(member.id);
      const slot = before === undefined ? this.table.take(nowMs) : this.slotAt(before);
      if (before === undefined) added.push(member);
      slots[index] = slot;
      this.table.setPlace(slot, index, member.weight);
    }
    this.#indexById = next;
    this.assign(members, slots);
    return added;
  }
}

function check(members: readonly Member[]): void {
  const problems = new OptionProblems();
  for (const [index, { id, weight, priority }] of members.entries()) {
    // Programs without types, too: texts would be joined where weights are summed.
    if (typeof id !== 'string') problems.check(false, `members[${index}].id`, id, 'be a string');
    const isWithin = weight === 0 || (weight >= WEIGHT_MIN && weight <= WEIGHT_MAX);
    if (!isWithin || typeof weight !== 'number') {
      const must = `be 0 or from ${WEIGHT_MIN} to ${WEIGHT_MAX}`;
      problems.check(false, `members[${index}].weight of ${id}`, weight, must);
    }
    if (priority === undefined) continue;
    if (!Number.isInteger(priority) || priority < 0 || priority > PRIORITY_MAX) {
      const must = `be a whole number from 0 to ${PRIORITY_MAX}`;
      problems.check(false, `members[${index}].priority of ${id}`, priority, must);
    }
  }
  problems.throwIfAny(InvalidOptionError);
}
