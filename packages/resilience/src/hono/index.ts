export { type ResilienceOptions, type ResilienceVariables, resilience } from './resilient-hono.ts';
