export {
  EndpointSet,
  type EndpointSetOptions,
  type MembershipChange,
  type MembershipPatch,
} from './endpoint-set.ts';
export { InvalidOptionError } from './invalid-option-error.ts';
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
