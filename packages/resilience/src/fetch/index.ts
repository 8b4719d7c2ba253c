export type { ReplyRules } from '../calls/judge-reply.ts';
export { type Fetch, type ResilientFetchOptions, resilientFetch } from './resilient-fetch.ts';
