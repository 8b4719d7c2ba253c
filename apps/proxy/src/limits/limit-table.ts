/**
 * Every bound that a listener or an upstream pool has: how metrics call it, what is bounded, how
 * much by default, what changes it, and which counter tells that it was met. The README shows it.
 */
import type { FloodStats, H2Stats, PoolStats, ServerStats, TcpServerStats } from '@leno/http';

/** One bound, of which `Stats` counts how often it was met. */
export interface Limit<Stats> {
  /** Label value in metrics. */
  readonly limit: string;
  readonly what: string;
  readonly fallback: string;
  /** A setting, a field of a kind, or `fixed`. */
  readonly setting: string;
  readonly count: (stats: Stats) => number;
}

type Row<Stats> = readonly [string, string, string, string, (stats: Stats) => number];

/** A row of a table as a bound. */
export const limitOf = <Stats>([
  limit,
  what,
  fallback,
  setting,
  count,
]: Row<Stats>): Limit<Stats> => ({
  limit,
  what,
  fallback,
  setting,
  count,
});

const flood = (name: string, what: string, fallback: string, key: keyof FloodStats) =>
  limitOf<ServerStats>([name, what, fallback, 'fixed', ({ http2 }) => http2[key]]);

const rows: readonly Row<ServerStats>[] = [
  [
    'connections',
    'connections of a listener: 503 and the end, over TLS the end before any handshake',
    '10 000',
    '`LENO_INBOUND_CONNECTIONS_MAX`, `LENO_OUTBOUND_CONNECTIONS_MAX`',
    (stats) => stats.overloadedCount,
  ],
  [
    'total_connections',
    'connections of all listeners together; never more than half the descriptors less 64',
    '20 000',
    '`LENO_CONNECTIONS_MAX`, `ulimit -n`',
    (stats) => stats.totalOverloadedCount,
  ],
  [
    'accept',
    'descriptors of the process, where a connection could not be accepted',
    'of the system',
    '`ulimit -n`',
    (stats) => stats.acceptFailureCount,
  ],
  [
    'handshake',
    'TLS handshakes that failed or took more than half the head timeout',
    '5 s',
    '`LENO_HEAD_TIMEOUT_MS`',
    (stats) => stats.handshakeFailureCount,
  ],
  [
    'head',
    'octets and lines of a head or a trailer section: 431',
    '60 KiB, 100 lines',
    '`LENO_HEAD_BYTES_MAX`, `LENO_HEADER_COUNT_MAX`',
    ({ headTooLargeCount, http2 }) => headTooLargeCount + http2.headTooLargeCount,
  ],
  [
    'body',
    'octets of a request body: 413',
    'none',
    '`LENO_BODY_BYTES_MAX`',
    ({ bodyTooLargeCount, http2 }) => bodyTooLargeCount + http2.bodyTooLargeCount,
  ],
  [
    'streams',
    'streams of an HTTP/2 connection: REFUSED_STREAM',
    '100; 256 between sidecars',
    '`LENO_STREAM_COUNT_MAX` (outbound)',
    ({ http2 }) => http2.refusedStreamCount,
  ],
  [
    'head_timeout',
    'from the first octet of a head, a preface or a connection to its last: 408',
    '10 s',
    '`LENO_HEAD_TIMEOUT_MS`',
    ({ headTimeoutCount, http2 }) => headTimeoutCount + http2.headTimeoutCount,
  ],
  [
    'idle_timeout',
    'without a request on a connection: closed, on HTTP/2 with GOAWAY',
    '75 s',
    '`LENO_IDLE_TIMEOUT_MS`',
    (stats) => stats.idleTimeoutCount,
  ],
  [
    'stall_timeout',
    'without an octet of a body that is read (408), or of a reply that is taken (reset)',
    '60 s',
    '`LENO_STALL_TIMEOUT_MS`',
    ({ stallTimeoutCount, http2 }) => stallTimeoutCount + http2.stallTimeoutCount,
  ],
  [
    'stream_idle_timeout',
    'without an octet either way of a tunnel, or of the body of an HTTP/2 stream',
    '5 min',
    '`LENO_STREAM_IDLE_TIMEOUT_MS`',
    ({ tunnelTimeoutCount, http2 }) => tunnelTimeoutCount + http2.streamIdleTimeoutCount,
  ],
  [
    'discard',
    'octets of an unwanted body that are read to keep its connection',
    '256 KiB',
    'fixed',
    (stats) => stats.discardOverflowCount,
  ],
  [
    'drain',
    'how long a drain waits for what is under way: cut off',
    '30 s',
    '`LENO_DRAIN_TIMEOUT_MS`',
    (stats) => stats.drainAbortCount,
  ],
  [
    'half_close',
    'how long a reply may be silent to a client that has ended its half: it has gone',
    '250 ms',
    'fixed',
    (stats) => stats.halfCloseGoneCount,
  ],
  [
    'settings_timeout',
    'until our SETTINGS are acknowledged: SETTINGS_TIMEOUT',
    '10 s',
    'fixed',
    ({ http2 }) => http2.settingsTimeoutCount,
  ],
  [
    'continuation_flood',
    'CONTINUATION frames of a header block: ENHANCE_YOUR_CALM',
    '16',
    'fixed',
    ({ http2 }) => http2.continuationFloodCount,
  ],
];

/** The bounds of a listener. */
export const listenerLimits: readonly Limit<ServerStats>[] = [
  ...rows.map(limitOf),
  flood(
    'settings_flood',
    'SETTINGS frames: ENHANCE_YOUR_CALM',
    '50 a second',
    'settingsFloodCount',
  ),
  flood('ping_flood', 'PING frames: likewise', '500 a second', 'pingFloodCount'),
  flood('empty_data_flood', 'DATA frames without octets', '100 a second', 'emptyDataFloodCount'),
  flood(
    'window_update_flood',
    'WINDOW_UPDATE frames that nothing gave reason for',
    '1 000 a second',
    'windowUpdateFloodCount',
  ),
  flood(
    'idle_frame_flood',
    'PRIORITY, RST_STREAM on closed streams, unknown frames',
    '1 000 a second',
    'idleFrameFloodCount',
  ),
  flood(
    'refused_stream_flood',
    'streams beyond those that may be open',
    '1 000 a second',
    'refusedStreamFloodCount',
  ),
  flood(
    'early_reset_flood',
    'streams reset within a second, if more than half are',
    '500; 10 000 between sidecars',
    'earlyResetFloodCount',
  ),
];

const tcpRows: readonly Row<TcpServerStats>[] = [
  [
    'connections',
    'connections of a listener of `LENO_TCP_LISTEN`: reset, `overloaded`',
    '10 000',
    '`LENO_OUTBOUND_CONNECTIONS_MAX`',
    (stats) => stats.overloadedCount,
  ],
  [
    'total_connections',
    'connections of all listeners together, as above: reset, `overloaded`',
    '20 000',
    '`LENO_CONNECTIONS_MAX`, `ulimit -n`',
    (stats) => stats.totalOverloadedCount,
  ],
  [
    'accept',
    'descriptors of the process, as above',
    'of the system',
    '`ulimit -n`',
    (stats) => stats.acceptFailureCount,
  ],
];

/** The bounds of the listeners for TCP. */
export const tcpLimits: readonly Limit<TcpServerStats>[] = tcpRows.map(limitOf);

/** As `ClientPool` gives them; pools that speak HTTP/2 count that, too. */
export type UpstreamStats = PoolStats & { readonly http2?: Readonly<H2Stats> };

const upstreamRows: readonly Row<UpstreamStats>[] = [
  [
    'pending',
    'requests that wait for a connection to an endpoint: `overflow`',
    '1 024',
    '`TrafficPolicy` `limits.pending`',
    (stats) => stats.pendingOverflowCount,
  ],
  [
    'requests',
    'requests on and waiting for the connections to an endpoint: `overflow`',
    '1 024',
    '`TrafficPolicy` `limits.requests`',
    (stats) => stats.requestOverflowCount,
  ],
  [
    'connect_timeout',
    'for a connection and its handshake: `connect-timeout`',
    '1 s',
    '`TrafficPolicy` `timeouts.connect`',
    (stats) => stats.connectTimeoutCount,
  ],
  [
    'idle_timeout',
    'without a request on a connection to an endpoint: closed',
    '60 s',
    'fixed',
    (stats) => stats.idleClosedCount,
  ],
  [
    'ping_timeout',
    'until a sidecar answers PING after 10 s of silence: its connection is dead',
    '3 s',
    'fixed',
    ({ http2 }) => http2?.pingTimeoutCount ?? 0,
  ],
  [
    'http2',
    'what an endpoint does beyond the bounds of HTTP/2 above: its stream or connection ends',
    'as above',
    'fixed',
    ({ http2 }) => (http2 === undefined ? 0 : beyondBounds(http2)),
  ],
];

/** The bounds towards an endpoint. */
export const upstreamLimits: readonly Limit<UpstreamStats>[] = upstreamRows.map(limitOf);

function beyondBounds(http2: Readonly<H2Stats>): number {
  return (
    http2.headTooLargeCount +
    http2.bodyTooLargeCount +
    http2.continuationFloodCount +
    http2.headTimeoutCount +
    http2.settingsTimeoutCount +
    http2.stallTimeoutCount +
    http2.settingsFloodCount +
    http2.pingFloodCount +
    http2.emptyDataFloodCount +
    http2.windowUpdateFloodCount +
    http2.idleFrameFloodCount +
    http2.refusedStreamFloodCount +
    http2.earlyResetFloodCount
  );
}
