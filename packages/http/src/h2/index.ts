export { H2Client } from './h2-client.ts';
export { H2ConnectionError } from './h2-connection-error.ts';
export type { H2ConnectionOptions } from './h2-core.ts';
export { type H2Limits, type H2Stats, h2Limits, h2LimitsOf, newH2Stats } from './h2-options.ts';
export type { H2Port } from './h2-sender.ts';
export { H2Server, type H2ServerEvents } from './h2-server.ts';
export type { H2Stream, StreamBreak, StreamEvents } from './h2-stream.ts';
export type { H2RequestHead } from './request-section.ts';
