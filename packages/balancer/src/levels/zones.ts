/** The zones of the first priority: a part of the set each, and how calls are split among them. */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { Level, type PickerOf } from './level.ts';
import type { LevelRules } from './level-options.ts';
import { type ZoneSplit, zoneSplit } from './zone-split.ts';

interface Part<M extends Member> {
  readonly zone: string;
  readonly level: Level<M>;
}

/** Chooses the zone of a call. */
export class Zones<M extends Member> {
  readonly #set: Roster<M>;
  readonly #pickerOf: PickerOf<M>;
  readonly #rules: NonNullable<LevelRules['zone']>;
  #parts: readonly Part<M>[] = [];
  #local: Level<M> | undefined;
  #split: ZoneSplit = { kind: 'off', why: 'fewer than two zones' };
  #residualTotal = 0;

  constructor(set: Roster<M>, pickerOf: PickerOf<M>, rules: NonNullable<LevelRules['zone']>) {
    this.#set = set;
    this.#pickerOf = pickerOf;
    this.#rules = rules;
  }

  /** For people. */
  get split(): ZoneSplit {
    return this.#split;
  }

  /** Takes the endpoints of the first priority, by their index in the set. */
  assign(indexes: readonly number[]): void {
    const byZone = new Map<string, number[]>();
    for (const index of indexes) {
      const { zone = '' } = this.#set.at(index);
      const own = byZone.get(zone);
      if (own === undefined) byZone.set(zone, [index]);
      else own.push(index);
    }
    const before = new Map(this.#parts.map((it) => [it.zone, it.level]));
    this.#parts = Array.from(byZone, ([zone, own]) => {
      const level = before.get(zone) ?? new Level(this.#set, this.#pickerOf, false);
      level.assign(own);
      return { zone, level };
    });
    this.#local = this.#parts.find((it) => it.zone === this.#rules.local)?.level;
  }

  /** Computes the split anew, after a change of health. */
  recount(): void {
    const { callers, local } = this.#rules;
    const counts = this.#parts.map(({ zone, level }) => ({
      zone,
      healthyCount: level.countOf('healthy'),
      callerCount: callers === undefined ? 1 : (callers.get(zone) ?? 0),
    }));
    const present = new Set(counts.map((it) => it.zone));
    for (const [zone, callerCount] of callers ?? [[local, 1]]) {
      if (!present.has(zone)) counts.push({ zone, healthyCount: 0, callerCount });
    }
    this.#split = zoneSplit(counts, this.#rules);
    const residuals = this.#split.kind === 'split' ? this.#split.residuals : [];
    this.#residualTotal = residuals.reduce((total, it) => total + it, 0);
  }

  /** The part in which to pick; none if zones do not count. */
  choose(rng: Rng): Level<M> | undefined {
    const split = this.#split;
    if (split.kind === 'off') return undefined;
    if (split.kind === 'local') return this.#local;
    if (Math.floor(rng() * 10_000) < split.localPart) return this.#local;
    const parts = this.#parts;
    // By rounding there may be nothing to spare anywhere, where one zone is as good as another.
    if (this.#residualTotal === 0) return parts[Math.floor(rng() * parts.length)]?.level;
    let rest = Math.floor(rng() * this.#residualTotal);
    for (let place = 0; place < parts.length; place += 1) {
      rest -= split.residuals[place] ?? 0;
      if (rest < 0) return parts[place]?.level;
    }
    return this.#local;
  }
}
