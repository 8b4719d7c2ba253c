/** The endpoints of one priority, or of one zone of it, with a picker of their own. */
import type { Picker } from '../pickers/picker.ts';
import { type Member, Roster } from '../roster.ts';
import type { Health } from '../slot-table.ts';

/** Makes a picker over the set or a part of it. */
export type PickerOf<M extends Member> = (roster: Roster<M>) => Picker;

/** A part of a set, or all of it: its endpoints keep their state and have a picker of their own. */
export class Level<M extends Member> {
  readonly roster: Roster<M>;
  readonly picker: Picker;
  readonly #whole: Roster<M>;
  #rootIndexes = new Int32Array(0);

  /** All of the set with `isWhole`; else nobody, until `assign`. */
  constructor(whole: Roster<M>, pickerOf: PickerOf<M>, isWhole: boolean) {
    this.#whole = whole;
    this.roster = isWhole ? whole : new Roster<M>(whole.table);
    this.picker = pickerOf(this.roster);
  }

  /** Takes the endpoints at these indexes of the whole set, in this order. */
  assign(rootIndexes: readonly number[]): void {
    this.#rootIndexes = Int32Array.from(rootIndexes);
    this.roster.assign(
      rootIndexes.map((index) => this.#whole.at(index)),
      this.#rootIndexes.map((index) => this.#whole.slotAt(index)),
    );
  }

  /** Where in the whole set the endpoint at the index is; -1 stays -1. */
  rootIndexAt(index: number): number {
    if (index < 0 || this.roster === this.#whole) return index;
    return this.#rootIndexes[index] ?? -1;
  }

  /** How many that have a weight have this health. */
  countOf(health: Health): number {
    let count = 0;
    for (let index = 0; index < this.roster.length; index += 1) {
      if (this.roster.weightAt(index) > 0 && this.roster.healthAt(index) === health) count += 1;
    }
    return count;
  }
}
