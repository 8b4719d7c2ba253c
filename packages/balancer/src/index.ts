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
export { hashFromString, hashKey, hashToString } from './hash/hash-key.ts';
export type { HashTable } from './hash/hash-table.ts';
export type { Hash64 } from './hash/hash64.ts';
export type { HashHost, HashLocality } from './hash/host-shares.ts';
export { MAGLEV_TABLE_SIZE, type MaglevOptions, MaglevTable } from './hash/maglev-table.ts';
export { murmurHash2 } from './hash/murmur-hash2.ts';
export { type RendezvousOptions, RendezvousTable } from './hash/rendezvous-table.ts';
export {
  defaultRingOptions,
  type RingHashFunction,
  type RingOptions,
  RingTable,
} from './hash/ring-table.ts';
export { xxHash64 } from './hash/xx-hash64.ts';
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
export type { BoundedLoadOptions } from './pickers/hash-picker.ts';
export {
  type MaglevPolicyOptions,
  maglev,
  type RingHashPolicyOptions,
  rendezvous,
  ringHash,
} from './pickers/hash-policies.ts';
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
