/**
 * Picks a priority, in the first a zone, and in it an endpoint, by the health of all.
 *
 *   health ──▶ loads of the priorities ──▶ priority ──▶ zone ──▶ picker of that part ──▶ endpoint
 *                    │ in panic: health is ignored, or nobody is picked
 *
 * Who is not admitted is passed over in the part that was drawn; if nobody there is, the priorities
 * are asked in order, and if nobody at all is, one is picked nevertheless, as in panic, unless the
 * panic threshold is 0 or panics are to fail. Loads are computed anew after an update or a change
 * of health, never in a pick. A call with a key keeps to one priority by its hash, and does not
 * look at zones, as consistent hashing would be broken by either draw.
 */
import type { Rng } from '@leno/std';
import type { PickKey } from '../pickers/pick-key.ts';
import type { Admits, Picker, PickOutcome, PickScore } from '../pickers/picker.ts';
import type { Member, Roster } from '../roster.ts';
import type { Health } from '../slot-table.ts';
import { Level, type PickerOf } from './level.ts';
import type { LevelRules } from './level-options.ts';
import { type LevelCounts, type LevelLoad, priorityLoads } from './priority-loads.ts';
import type { ZoneSplit } from './zone-split.ts';
import { Zones } from './zones.ts';

/** One priority, for people. */
export interface LevelReport extends LevelLoad, LevelCounts {
  readonly priority: number;
}

/** The picker over a set that has priorities, zones and health. */
export class LeveledPicker<M extends Member> implements Picker {
  /** Picks in which health, or `admits`, was ignored, or which failed instead. */
  panicCount = 0;
  readonly #set: Roster<M>;
  readonly #pickerOf: PickerOf<M>;
  readonly #rules: LevelRules;
  /** All endpoints: where there is one priority; and what tells others how calls ended. */
  readonly #whole: Level<M>;
  readonly #zones: Zones<M> | undefined;
  #levels: readonly Level<M>[] = [];
  #loads: readonly LevelLoad[] = [];
  #counts: readonly LevelCounts[] = [];
  /** The only draw with a load, as `#choose` gives it; -1 if there are several. */
  #sole = 0;
  #isAllHealthy = true;
  #version = -1;
  #healthVersion = -1;
  // Of the pick that is under way: kept here, so that no closure is made for it.
  #rng: Rng = () => 0;
  #key: PickKey | undefined;
  #admits: Admits | undefined;
  #wanted: Health | 'any' = 'any';
  #part: Level<M>;

  constructor(set: Roster<M>, pickerOf: PickerOf<M>, rules: LevelRules) {
    this.#set = set;
    this.#pickerOf = pickerOf;
    this.#rules = rules;
    this.#whole = new Level(set, pickerOf, true);
    this.#part = this.#whole;
    this.#zones = rules.zone && new Zones(set, pickerOf, rules.zone);
  }

  pick(nowMs: number, rng: Rng, admits?: Admits, key?: PickKey): number {
    if (this.#set.pickableCount === 0) return -1;
    this.#follow();
    this.#rng = rng;
    this.#key = key;
    this.#admits = admits;
    const choice = this.#sole >= 0 ? this.#sole : this.#choose();
    const level = this.#levels[choice >> 1] ?? this.#whole;
    if (this.#loads[choice >> 1]?.isPanic === true) return this.#panicIn(level, nowMs);
    const wanted = (choice & 1) === 0 ? 'healthy' : 'degraded';
    if (choice === 0 && this.#zones !== undefined && key === undefined) {
      const zone = this.#zones.choose(rng);
      const index = zone === undefined ? -1 : this.#pickIn(zone, wanted, nowMs);
      if (index >= 0) return index;
    }
    const index = this.#pickIn(level, wanted, nowMs);
    if (index >= 0) return index;
    const other = this.#pickElsewhere(nowMs);
    if (other >= 0 || this.#rules.panicThresholdRatio === 0) return other;
    return this.#panicIn(level, nowMs);
  }

  started(index: number, nowMs: number): void {
    this.#whole.picker.started(index, nowMs);
  }

  ended(index: number, nowMs: number, latencyMs: number, outcome: PickOutcome): void {
    this.#whole.picker.ended(index, nowMs, latencyMs, outcome);
  }

  /** The scores are those of the priority's own picker. */
  explain(nowMs: number): readonly PickScore[] {
    this.#follow();
    const scores: PickScore[] = [];
    for (const level of this.#levels) {
      for (const [index, score] of level.picker.explain(nowMs).entries()) {
        scores[level.rootIndexAt(index)] = score;
      }
    }
    return scores;
  }

  /** The priorities, in order. */
  get levels(): readonly LevelReport[] {
    this.#follow();
    return this.#loads.map((load, priority) => ({
      priority,
      ...(this.#counts[priority] ?? { hostCount: 0, healthyCount: 0, degradedCount: 0 }),
      ...load,
    }));
  }

  /** How calls are split among zones, where zones count. */
  get zoneSplit(): ZoneSplit | undefined {
    this.#follow();
    return this.#zones?.split;
  }

  /** Twice the priority, and 1 more for its degraded endpoints. */
  #choose(): number {
    const loads = this.#loads;
    let rest = this.#key === undefined ? Math.floor(this.#rng() * 100) : percentOf(this.#key);
    for (let priority = 0; priority < loads.length; priority += 1) {
      rest -= loads[priority]?.percent ?? 0;
      if (rest < 0) return priority * 2;
    }
    for (let priority = 0; priority < loads.length; priority += 1) {
      rest -= loads[priority]?.degradedPercent ?? 0;
      if (rest < 0) return priority * 2 + 1;
    }
    return 0;
  }

  /** Nobody was there of those that were drawn; perhaps there is somebody of another priority. */
  #pickElsewhere(nowMs: number): number {
    for (let turn = 0; turn < 2; turn += 1) {
      for (const level of this.#levels) {
        const index = this.#pickIn(level, turn === 0 ? 'healthy' : 'degraded', nowMs);
        if (index >= 0) return index;
      }
    }
    return -1;
  }

  /** Health does not count; nor does `admits`, if it lets nobody through here or elsewhere. */
  #panicIn(level: Level<M>, nowMs: number): number {
    this.panicCount += 1;
    if (this.#rules.failsTraffic) return -1;
    const index = this.#pickIn(level, 'any', nowMs);
    if (index >= 0 || this.#admits === undefined) return index;
    const other = this.#pickElsewhere(nowMs);
    if (other >= 0) return other;
    this.#admits = undefined;
    const healthy = this.#pickIn(level, 'healthy', nowMs);
    return healthy >= 0 ? healthy : this.#pickIn(level, 'any', nowMs);
  }

  #pickIn(part: Level<M>, wanted: Health | 'any', nowMs: number): number {
    const isForAll = wanted === 'any' || (wanted === 'healthy' && this.#isAllHealthy);
    if (isForAll && (this.#admits === undefined || part === this.#whole)) {
      return part.rootIndexAt(part.picker.pick(nowMs, this.#rng, this.#admits, this.#key));
    }
    this.#part = part;
    this.#wanted = wanted;
    return part.rootIndexAt(part.picker.pick(nowMs, this.#rng, this.#admitsInPart, this.#key));
  }

  readonly #admitsInPart = (index: number): boolean => {
    const wanted = this.#wanted;
    if (wanted !== 'any' && this.#part.roster.healthAt(index) !== wanted) return false;
    return this.#admits === undefined || this.#admits(this.#part.rootIndexAt(index));
  };

  #follow(): void {
    const set = this.#set;
    const { healthVersion } = set.table;
    if (this.#version === set.version && this.#healthVersion === healthVersion) return;
    if (this.#version !== set.version) this.#divide();
    this.#version = set.version;
    this.#healthVersion = healthVersion;
    this.#counts = this.#levels.map((level) => ({
      hostCount: level.roster.pickableCount,
      healthyCount: level.countOf('healthy'),
      degradedCount: level.countOf('degraded'),
    }));
    this.#isAllHealthy = this.#counts.every((it) => it.healthyCount === it.hostCount);
    this.#loads = priorityLoads(this.#counts, this.#rules);
    this.#sole = soleChoice(this.#loads);
    this.#zones?.recount();
  }

  /** Gives each priority its endpoints; one that is skipped has none. */
  #divide(): void {
    const set = this.#set;
    const byPriority: number[][] = [];
    for (let index = 0; index < set.length; index += 1) {
      const priority = set.at(index).priority ?? 0;
      while (byPriority.length <= priority) byPriority.push([]);
      byPriority[priority]?.push(index);
    }
    this.#zones?.assign(byPriority[0] ?? []);
    if (byPriority.length <= 1) {
      this.#levels = [this.#whole];
      return;
    }
    const before = this.#levels.filter((it) => it !== this.#whole);
    this.#levels = byPriority.map((indexes, priority) => {
      const level = before[priority] ?? new Level(set, this.#pickerOf, false);
      level.assign(indexes);
      return level;
    });
  }
}

/** The only draw that has a load; -1 if several have. */
function soleChoice(loads: readonly LevelLoad[]): number {
  if (loads.length === 0) return 0;
  const healthy = loads.findIndex((it) => it.percent === 100);
  if (healthy >= 0) return healthy * 2;
  const degraded = loads.findIndex((it) => it.degradedPercent === 100);
  return degraded < 0 ? -1 : degraded * 2 + 1;
}

/** The key's hash modulo 100. */
function percentOf({ hash }: PickKey): number {
  // 2³² is 96 modulo 100.
  return ((hash.hi % 100) * 96 + (hash.lo % 100)) % 100;
}
