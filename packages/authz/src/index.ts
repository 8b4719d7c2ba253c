export { AccessPolicyError } from './access-policy-error.ts';
export { type AddressRange, isWithin, parseAddress, parseRange } from './address-range.ts';
export { compilePolicies } from './compile-policies.ts';
export { type AccessDefaults, Decider, IDENTITY_COUNT_MAX } from './decider.ts';
export type { AccessDecision } from './decision.ts';
export { type NormalPath, normalizePath } from './normalize-path.ts';
export {
  type AccessAction,
  type AccessAttribute,
  type AccessCondition,
  type AccessPolicy,
  type AccessRule,
  type AccessSource,
  type AccessTarget,
  accessAttributes,
  type GrpcMethod,
  type PathCondition,
} from './policy.ts';
export type { AccessQuestion, HttpQuestion } from './question.ts';
