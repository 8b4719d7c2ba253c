export type { ReplyRules } from '../calls/judge-reply.ts';
export { type ResilientDispatchOptions, resilience } from './resilient-dispatch.ts';
