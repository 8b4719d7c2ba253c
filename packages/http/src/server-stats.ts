import { type H2Stats, newH2Stats } from './h2/h2-options.ts';
import type { ServerStats } from './server-options.ts';

/** The stats as the server itself sees them. */
export type MutableServerStats = {
  -readonly [Name in Exclude<keyof ServerStats, 'http2'>]: ServerStats[Name];
} & { readonly http2: H2Stats };

/** All at zero. */
export function newServerStats(): MutableServerStats {
  return {
    connectionCount: 0,
    acceptedCount: 0,
    plainCount: 0,
    tlsCount: 0,
    http2Count: 0,
    tcpCount: 0,
    requestCount: 0,
    activeRequestCount: 0,
    overloadedCount: 0,
    totalOverloadedCount: 0,
    shedConnectionCount: 0,
    shedIdleCount: 0,
    acceptFailureCount: 0,
    badRequestCount: 0,
    headTooLargeCount: 0,
    bodyTooLargeCount: 0,
    headTimeoutCount: 0,
    idleTimeoutCount: 0,
    stallTimeoutCount: 0,
    tunnelTimeoutCount: 0,
    halfCloseGoneCount: 0,
    handshakeFailureCount: 0,
    discardOverflowCount: 0,
    drainAbortCount: 0,
    http2: newH2Stats(),
  };
}
