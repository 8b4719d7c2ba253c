import { unreachable } from '@leno/std';
import type { EndpointSet, Member } from '../endpoint-set.ts';
import { PeakEwma, type PeakEwmaOptions } from './peak-ewma.ts';
import type { Picker } from './picker.ts';
import { RoundRobin } from './round-robin.ts';
import { SmoothWeighted } from './smooth-weighted.ts';

/** The kinds of picker; `peakEwma` is Leno's default. */
export type PickerKind = 'roundRobin' | 'weighted' | 'peakEwma';

/** Options of all kinds; each takes what is its own. */
export type PickerOptions = PeakEwmaOptions;

/**
 * A picker over the set, which it follows through its updates. Calls under way are counted by the
 * set, so that another picker may take over at any time.
 */
export function createPicker<M extends Member>(
  kind: PickerKind,
  set: EndpointSet<M>,
  options: PickerOptions = {},
): Picker {
  switch (kind) {
    case 'roundRobin':
      return new RoundRobin(set);
    case 'weighted':
      return new SmoothWeighted(set);
    case 'peakEwma':
      return new PeakEwma(set, options);
    default:
      return unreachable(kind);
  }
}
