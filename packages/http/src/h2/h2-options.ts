/** Bounds of one HTTP/2 connection, and what it counts. */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { type MessageLimits, messageLimits } from '../limits.ts';
import { type FloodLimits, type FloodStats, floodLimits } from './flood-guard.ts';
import { FRAME_BYTES_DEFAULT, WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from './frame.ts';

/** Bounds of a connection. What a peer does beyond them costs it the stream or the connection. */
export interface H2Limits extends MessageLimits, FloodLimits {
  /** Streams that the other side may have open. Default 100; more get REFUSED_STREAM. */
  readonly streamCountMax: number;
  /** Octets that one stream may send before somebody takes them. Default 64 KiB, at least that. */
  readonly streamWindowByteCount: number;
  /** Likewise for all streams together. Default 1 MiB. */
  readonly connectionWindowByteCount: number;
  /** Payload of a frame that we take. Default 16 KiB, the least there is. */
  readonly frameByteCountMax: number;
  /** Octets of the dynamic table of HPACK that the other side may fill. Default 4 096. */
  readonly headerTableByteCountMax: number;
  /** CONTINUATION frames of one header block. Default 16; more is ENHANCE_YOUR_CALM. */
  readonly continuationCountMax: number;
  /** Interim replies to one request. Default 16; more breaks the stream. */
  readonly interimCountMax: number;
  /** From the first octet of a header block, or of a connection, to its end. Default 10 s. */
  readonly headTimeoutMs: number;
  /** Until the other side acknowledges our settings. Default 10 s. */
  readonly settingsTimeoutMs: number;
  /**
   * At a client: after so long without an octet of the other side it is asked with PING whether it
   * is there, be there streams or none. Default `Infinity`, never: servers of gRPC end connections
   * that ask more than once in five minutes.
   */
  readonly pingIntervalMs: number;
  /** Without an octet after that PING; then, looked at again, the connection is dead. Default 3 s. */
  readonly pingTimeoutMs: number;
  /** Without room for what we have to send on a stream. Default 60 s; then it is reset. */
  readonly stallTimeoutMs: number;
  /** Without an octet either way on a stream whose request goes on. Default 5 min; then it is reset. */
  readonly streamIdleTimeoutMs: number;
  /** Whether a server takes extended CONNECT (RFC 8441). Default true. */
  readonly takesProtocols: boolean;
}

/** The defaults. */
export const h2Limits: H2Limits = {
  ...messageLimits,
  ...floodLimits,
  streamCountMax: 100,
  streamWindowByteCount: 64 * 1024,
  connectionWindowByteCount: 1024 * 1024,
  frameByteCountMax: FRAME_BYTES_DEFAULT,
  headerTableByteCountMax: 4096,
  continuationCountMax: 16,
  interimCountMax: 16,
  headTimeoutMs: 10_000,
  settingsTimeoutMs: 10_000,
  pingIntervalMs: Number.POSITIVE_INFINITY,
  pingTimeoutMs: 3_000,
  stallTimeoutMs: 60_000,
  streamIdleTimeoutMs: 300_000,
  takesProtocols: true,
};

/**
 * The defaults with `limits` in their place. Throws `InvalidOptionError` with all that is wrong, and
 * with the `problems` that were found before.
 */
export function h2LimitsOf(
  limits: Partial<H2Limits>,
  problems: OptionProblems = new OptionProblems(),
): H2Limits {
  const all = { ...h2Limits, ...limits };
  const { streamWindowByteCount, connectionWindowByteCount } = all;
  const [least, most] = [WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX];
  problems.count('http2.streamWindowByteCount', streamWindowByteCount, least, most);
  problems.count('http2.connectionWindowByteCount', connectionWindowByteCount, least, most);
  const frameByteCountMax = [all.frameByteCountMax, FRAME_BYTES_DEFAULT, 0xff_ffff] as const;
  problems.count('http2.frameByteCountMax', ...frameByteCountMax);
  problems.count('http2.headerTableByteCountMax', all.headerTableByteCountMax, 0, 65_536);
  problems.count('http2.streamCountMax', all.streamCountMax, 1);
  problems.check(all.pingIntervalMs >= 1, 'http2.pingIntervalMs', all.pingIntervalMs, 'be from 1');
  problems.range('http2.pingTimeoutMs', all.pingTimeoutMs, 1);
  problems.throwIfAny(InvalidOptionError);
  return all;
}

/** Counters since the start, of all connections that share them. A live view. */
export interface H2Stats extends FloodStats {
  /** Streams that were opened by either side. */
  streamCount: number;
  /** Streams that are open now. */
  activeStreamCount: number;
  /** Streams that were refused because `streamCountMax` were open. */
  refusedStreamCount: number;
  /** RST_STREAM that we have sent for an error, and that we have got for a stream that was open. */
  resetSentCount: number;
  resetReceivedCount: number;
  /** Messages that were malformed. */
  malformedCount: number;
  /** Heads and trailers with more octets or fields than allowed. */
  headTooLargeCount: number;
  /** Bodies with more octets than allowed. */
  bodyTooLargeCount: number;
  /** Connections that were ended for too many CONTINUATION frames, or octets in them. */
  continuationFloodCount: number;
  /** Connections that were ended by a GOAWAY of ours with an error. */
  connectionErrorCount: number;
  headTimeoutCount: number;
  settingsTimeoutCount: number;
  /** Connections that were ended because a PING was not answered. */
  pingTimeoutCount: number;
  /** Streams that were reset because nothing moved. */
  stallTimeoutCount: number;
  streamIdleTimeoutCount: number;
}

/** All at zero. */
export function newH2Stats(): H2Stats {
  return {
    streamCount: 0,
    activeStreamCount: 0,
    refusedStreamCount: 0,
    resetSentCount: 0,
    resetReceivedCount: 0,
    malformedCount: 0,
    headTooLargeCount: 0,
    bodyTooLargeCount: 0,
    continuationFloodCount: 0,
    connectionErrorCount: 0,
    headTimeoutCount: 0,
    settingsTimeoutCount: 0,
    pingTimeoutCount: 0,
    stallTimeoutCount: 0,
    streamIdleTimeoutCount: 0,
    settingsFloodCount: 0,
    pingFloodCount: 0,
    emptyDataFloodCount: 0,
    windowUpdateFloodCount: 0,
    idleFrameFloodCount: 0,
    refusedStreamFloodCount: 0,
    earlyResetFloodCount: 0,
  };
}
