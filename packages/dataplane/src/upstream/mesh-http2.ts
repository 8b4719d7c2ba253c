/** How sidecars speak HTTP/2 with each other, the same at both ends of a connection. */
import type { H2Limits, H2Spread } from '@leno/http';

const STREAM_COUNT_MAX = 256;
const STREAM_WINDOW_BYTES = 128 * 1024;

/**
 * Few connections, each with many requests of many clients. The window of a connection is that of
 * all its streams together: clients that do not read their replies fill their own streams, and never
 * stop anybody else's.
 */
export const meshHttp2 = {
  streamCountMax: STREAM_COUNT_MAX,
  streamWindowByteCount: STREAM_WINDOW_BYTES,
  connectionWindowByteCount: STREAM_COUNT_MAX * STREAM_WINDOW_BYTES,
  // Clients that give up and tries that run out of time are resets here, of a peer that shows who it is.
  earlyResetCountMax: 10_000,
  // Of a sidecar whose machine is gone nothing else tells before TCP does, after many minutes.
  pingIntervalMs: 10_000,
  pingTimeoutMs: 3_000,
} as const satisfies Partial<H2Limits>;

/** Label of an instance whose sidecar is several processes: how many. */
export const workersLabel = 'leno.dev/workers';

/** With less on each connection its writes are too small, and cost more than a second core gives. */
const BUSY_STREAM_COUNT = 64;
const SPREAD_COUNT_MAX = 8;

/**
 * How a busy pool towards several processes opens connections. The kernel deals them out by hash: of
 * two for each process, some reach every process often enough. To one process nothing is spread.
 */
export function meshSpread(labels: Readonly<Record<string, string>>): H2Spread | undefined {
  const workerCount = Number(labels[workersLabel] ?? 1);
  if (!(workerCount > 1)) return undefined;
  const connectionCountMax = Math.min(SPREAD_COUNT_MAX, 2 * workerCount);
  return { busyStreamCount: BUSY_STREAM_COUNT, connectionCountMax };
}
