export { EndpointSet, type Member, type MembershipChange } from './endpoint-set.ts';
export { InvalidOptionError } from './invalid-option-error.ts';
export { createPicker, type PickerKind, type PickerOptions } from './pickers/create-picker.ts';
export { defaultPeakEwmaOptions, type PeakEwmaOptions } from './pickers/peak-ewma.ts';
export type { Picker, PickOutcome, PickScore } from './pickers/picker.ts';
