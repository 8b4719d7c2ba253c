import { unreachable } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { LeastRequest, type LeastRequestOptions } from './least-request.ts';
import { PeakEwma, type PeakEwmaOptions } from './peak-ewma.ts';
import type { Picker } from './picker.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import { Weighted } from './weighted.ts';

/** The kinds of picker that can be named in a configuration; `peakEwma` is Leno's default. */
export type PickerKind = 'roundRobin' | 'weighted' | 'leastRequest' | 'peakEwma' | 'random';

/** Options of all kinds; each takes what is its own. */
export type PickerOptions = PeakEwmaOptions & LeastRequestOptions;

/**
 * A picker over the set, which it follows through its updates. Calls under way are counted by the
 * set, so that another picker may take over at any time. Throws `InvalidOptionError`.
 */
export function createPicker<M extends Member>(
  kind: PickerKind,
  set: Roster<M>,
  options: PickerOptions = {},
): Picker {
  switch (kind) {
    case 'roundRobin':
      return new RoundRobin(set);
    case 'weighted':
      return new Weighted(set);
    case 'leastRequest':
      return new LeastRequest(set, options);
    case 'peakEwma':
      return new PeakEwma(set, options);
    case 'random':
      return new Random(set);
    default:
      return unreachable(kind);
  }
}
