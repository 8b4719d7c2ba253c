import type { ServerStats } from './server-options.ts';

/** The stats as the server itself sees them. */
export type MutableServerStats = { -readonly [Name in keyof ServerStats]: ServerStats[Name] };

/** All at zero. */
export function newServerStats(): MutableServerStats {
  return {
    connectionCount: 0,
    acceptedCount: 0,
    plainCount: 0,
    tlsCount: 0,
    requestCount: 0,
    activeRequestCount: 0,
    overloadedCount: 0,
    badRequestCount: 0,
    headTooLargeCount: 0,
    bodyTooLargeCount: 0,
    headTimeoutCount: 0,
    idleTimeoutCount: 0,
    stallTimeoutCount: 0,
    tunnelTimeoutCount: 0,
    handshakeFailureCount: 0,
    discardOverflowCount: 0,
    drainAbortCount: 0,
  };
}
