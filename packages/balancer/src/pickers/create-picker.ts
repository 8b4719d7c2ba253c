import { unreachable } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { HashPicker } from './hash-picker.ts';
import {
  type MaglevPolicyOptions,
  maglevBuild,
  type RingHashPolicyOptions,
  rendezvousBuild,
  ringBuild,
} from './hash-policies.ts';
import { LeastRequest, type LeastRequestOptions } from './least-request.ts';
import { PeakEwma, type PeakEwmaOptions } from './peak-ewma.ts';
import type { Picker } from './picker.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';
import { Weighted } from './weighted.ts';

/** The kinds of picker that can be named in a configuration; `peakEwma` is Leno's default. */
export type PickerKind =
  | 'roundRobin'
  | 'weighted'
  | 'leastRequest'
  | 'peakEwma'
  | 'random'
  | 'maglev'
  | 'ringHash'
  | 'rendezvous';

/** Options of all kinds; each takes what is its own. */
export type PickerOptions = PeakEwmaOptions &
  LeastRequestOptions &
  MaglevPolicyOptions &
  RingHashPolicyOptions;

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
    case 'maglev':
      return new HashPicker(set, maglevBuild(options), options.loadFactorPercent);
    case 'ringHash':
      return new HashPicker(set, ringBuild(options), options.loadFactorPercent);
    case 'rendezvous':
      return new HashPicker(set, rendezvousBuild(options), options.loadFactorPercent);
    default:
      return unreachable(kind);
  }
}
