export {
  Balancer,
  type BalancerOptions,
  type BalancerPorts,
  type BalancerReport,
  createBalancer,
  EndpointHandle,
  type EndpointReport,
} from './balancer.ts';
export {
  EndpointSet,
  type EndpointSetOptions,
  type MembershipChange,
  type MembershipPatch,
} from './endpoint-set.ts';
export { InvalidOptionError } from './invalid-option-error.ts';
export {
  defaultLevelOptions,
  type LevelOptions,
  type PanicOptions,
  type ZoneOptions,
} from './levels/level-options.ts';
export type { LevelReport } from './levels/leveled-picker.ts';
export type { LevelCounts, LevelLoad } from './levels/priority-loads.ts';
export type { ZoneOff, ZoneSplit } from './levels/zone-split.ts';
export { createPicker, type PickerKind, type PickerOptions } from './pickers/create-picker.ts';
export {
  defaultLeastRequestOptions,
  type LeastRequestOptions,
  leastRequest,
} from './pickers/least-request.ts';
export { defaultPeakEwmaOptions, type PeakEwmaOptions, peakEwma } from './pickers/peak-ewma.ts';
export type { PickKey } from './pickers/pick-key.ts';
export type { Admits, Picker, PickOutcome, PickScore } from './pickers/picker.ts';
export type { Policy } from './pickers/policy.ts';
export { random } from './pickers/random.ts';
export { roundRobin } from './pickers/round-robin.ts';
export { weighted } from './pickers/weighted.ts';
export type { Member, Roster } from './roster.ts';
export type { Health } from './slot-table.ts';
export { defaultSlowStartOptions, type SlowStartOptions } from './slow-start.ts';
export { subsetOf } from './subset/subset-of.ts';
