/**
 * The life of an HTTP/2 connection and of its streams, without the reading of frames: greeting,
 * windows, resets, GOAWAY both ways, and what takes too long.
 *
 *   open --drain--> announced (GOAWAY, PING) --its answer--> draining (GOAWAY) --last stream--> closed
 *     '---- an error of the connection, with GOAWAY, or the end of the wire, from anywhere ----^
 */
import { ClosedStreams } from './closed-streams.ts';
import * as errors from './error-code.ts';
import { FloodGuard } from './flood-guard.ts';
import * as frames from './frame.ts';
import type { H2Limits, H2Stats } from './h2-options.ts';
import { type H2Port, H2Sender } from './h2-sender.ts';
import type { H2Stream, StreamBreak, StreamPort } from './h2-stream.ts';
import { PeerSettings } from './peer-settings.ts';
import { ReceiveWindow } from './receive-window.ts';
import { StreamTable } from './stream-table.ts';

/** What a connection is made of. `nowMs` is when it begins, on the clock of `receive` and `sweep`. */
export interface H2ConnectionOptions {
  readonly limits: H2Limits;
  readonly stats: H2Stats;
  readonly port: H2Port;
  readonly nowMs: number;
}

/** Payload of the PING whose answer tells that the first GOAWAY was read. */
const DRAIN_PING = Uint8Array.from('leno end', (character) => character.charCodeAt(0));

/** Payload of the PING that asks whether the other side is there; any octet is an answer. */
const ALIVE_PING = Uint8Array.from('leno ask', (character) => character.charCodeAt(0));

export abstract class H2Core implements StreamPort {
  readonly sender: H2Sender;
  readonly limits: H2Limits;
  readonly stats: H2Stats;
  protected readonly streams = new StreamTable<H2Stream>();
  protected readonly closedStreams = new ClosedStreams();
  protected readonly guard: FloodGuard;
  protected readonly peer: PeerSettings;
  protected nowMs: number;
  protected phase: 'open' | 'announced' | 'draining' | 'closed' = 'open';
  /** Highest stream of the other side that was looked at. */
  protected lastPeerStreamId = 0;
  protected hasSettings = false;
  /** SETTINGS of ours that were not acknowledged. */
  protected awaitedAckCount = 0;
  /** When octets came last. */
  protected heardAtMs: number;
  readonly #port: H2Port;
  readonly #isServer: boolean;
  readonly #window: ReceiveWindow;
  readonly #startedAtMs: number;
  #isOverdue = false; // Whether the answer was late when it was looked for last.
  #askedAtMs = -1; // When the other side was asked whether it is there; -1: not since it was heard.
  #peerIsGoing = false;
  #peerLastStreamId = frames.STREAM_ID_MAX;

  constructor(options: H2ConnectionOptions, isServer: boolean) {
    const { limits, stats, port, nowMs } = options;
    this.limits = limits;
    this.stats = stats;
    this.nowMs = nowMs;
    this.#port = port;
    this.#isServer = isServer;
    this.#startedAtMs = nowMs;
    this.heardAtMs = nowMs;
    this.guard = new FloodGuard(limits, stats);
    this.peer = new PeerSettings(!isServer);
    this.sender = new H2Sender(port, this.peer, this.guard);
    this.#window = new ReceiveWindow(limits.connectionWindowByteCount);
    this.#greet();
  }

  /** Nothing that comes is looked at any more. */
  protected abstract stopReading(): void;

  /** When the first frame of a header block came that is not whole; `Infinity` if there is none. */
  protected abstract get headStartedAtMs(): number;

  /** Streams that are open. */
  get streamCount(): number {
    return this.streams.size;
  }

  /** Whether the settings of the other side have come. */
  get isGreeted(): boolean {
    return this.hasSettings;
  }

  get isClosed(): boolean {
    return this.phase === 'closed';
  }

  /** Whether either side takes no new streams. */
  get isGoing(): boolean {
    return this.phase !== 'open' || this.#peerIsGoing;
  }

  /** Hands to the port what was written in this turn. */
  flush(): void {
    this.sender.writer.flush();
  }

  /** The port has room again. */
  drained(): void {
    this.sender.resume();
  }

  /** The wire is gone, or the other side has ended it. */
  ended(detail: string): void {
    this.#close({ by: 'connection', errorCode: errors.NO_ERROR, unprocessed: false, detail });
  }

  /** Takes no new stream, lets the others end, then ends the connection (RFC 9113 §6.8). */
  drain(): void {
    if (this.phase !== 'open') return;
    const { writer } = this.sender;
    if (!this.#isServer) {
      this.phase = 'draining';
      writer.goAway(0, errors.NO_ERROR, '');
    } else {
      // What is on its way to us is taken; the answer to the PING tells that nothing more is.
      this.phase = 'announced';
      writer.goAway(frames.STREAM_ID_MAX, errors.NO_ERROR, '');
      writer.ping(false, DRAIN_PING, 0);
    }
    this.#endIfDone();
  }

  /** Ends the connection for an error: GOAWAY, and every stream is broken. */
  fail(errorCode: number, detail: string): void {
    if (this.phase === 'closed') return;
    this.stats.connectionErrorCount += 1;
    this.sender.writer.goAway(this.lastPeerStreamId, errorCode, detail);
    this.#close({ by: 'self', errorCode, unprocessed: false, detail });
  }

  /** Looks, every now and then, for what takes too long. */
  sweep(nowMs: number): void {
    if (this.phase === 'closed') return;
    this.nowMs = nowMs;
    const { limits, stats } = this;
    const sinceStartMs = nowMs - this.#startedAtMs;
    const isHeadLate = nowMs - this.headStartedAtMs >= limits.headTimeoutMs;
    if (isHeadLate || (!this.hasSettings && sinceStartMs >= limits.headTimeoutMs)) {
      stats.headTimeoutCount += 1;
      this.fail(errors.ENHANCE_YOUR_CALM, 'a head, or the preface, took too long');
    } else if (this.awaitedAckCount > 0 && sinceStartMs >= limits.settingsTimeoutMs) {
      stats.settingsTimeoutCount += 1;
      this.fail(errors.SETTINGS_TIMEOUT, 'our settings were not acknowledged');
    } else if (!this.#isServer && this.#isDead()) {
      stats.pingTimeoutCount += 1;
      this.ended('the other side does not answer');
    } else {
      for (const stream of this.streams.list()) this.#sweepStream(stream);
    }
  }

  /**
   * Whether a PING was not answered in time; sends one when it is due. Late is who is late at two
   * looks: what came while this process was stopped is read after the first.
   */
  #isDead(): boolean {
    const { limits, nowMs } = this;
    if (this.#askedAtMs >= 0 && this.heardAtMs >= this.#askedAtMs) this.#askedAtMs = -1;
    if (this.#askedAtMs >= 0) {
      const wasOverdue = this.#isOverdue;
      this.#isOverdue = nowMs - this.#askedAtMs >= limits.pingTimeoutMs;
      return wasOverdue && this.#isOverdue;
    }
    this.#isOverdue = false;
    if (nowMs - this.heardAtMs < limits.pingIntervalMs) return false;
    this.#askedAtMs = nowMs;
    this.sender.writer.ping(false, ALIVE_PING, 0);
    return false;
  }

  taken(stream: H2Stream, byteCount: number): void {
    this.announce(byteCount);
    if (stream.remoteEnded || stream.isBroken) return;
    stream.unannounced += byteCount;
    if (stream.unannounced * 2 < this.limits.streamWindowByteCount) return;
    this.sender.writer.windowUpdate(stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  reset(stream: H2Stream, errorCode: number, detail: string): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.sendReset(stream.id, errorCode);
    this.breakStream(stream, { by: 'self', errorCode, unprocessed: false, detail });
  }

  sideEnded(stream: H2Stream): void {
    if (!stream.localEnded || !stream.remoteEnded) return;
    if (!this.streams.delete(stream.id)) return;
    this.stats.activeStreamCount -= 1;
    this.closedStreams.add(stream.id, 'ended');
    stream.over();
    this.#endIfDone();
  }

  /** Octets have come; false if they are more than the window of the connection. */
  protected arrived(byteCount: number): boolean {
    return this.#window.receive(byteCount);
  }

  /** Octets may come again on the connection. */
  protected announce(byteCount: number): void {
    if (this.phase === 'closed') return;
    const increment = this.#window.take(byteCount);
    if (increment > 0) this.sender.writer.windowUpdate(0, increment);
  }

  /** RST_STREAM for a stream that is not, or will not be, among the open ones. */
  protected sendReset(streamId: number, errorCode: number): void {
    if (this.phase === 'closed') return;
    if (errorCode !== errors.NO_ERROR) this.stats.resetSentCount += 1;
    this.sender.writer.reset(streamId, errorCode);
    this.closedStreams.add(streamId, 'reset-by-us');
  }

  /**
   * Breaks a stream for what the other side did wrong (RFC 9113 §5.4.2). At a server it counts as if
   * the client had reset it. May throw `H2ConnectionError`.
   */
  protected streamError(stream: H2Stream, errorCode: number, detail: string): void {
    this.reset(stream, errorCode, detail);
    if (this.#isServer) this.guard.streamReset(stream.openedAtMs, this.nowMs);
  }

  /** A message on an open stream is malformed (RFC 9113 §8.1.1). */
  protected malformed(stream: H2Stream, detail: string): void {
    this.stats.malformedCount += 1;
    this.streamError(stream, errors.PROTOCOL_ERROR, detail);
  }

  protected openStream(stream: H2Stream): void {
    stream.sendWindow = this.peer.streamWindowByteCount;
    stream.receiveWindow = this.limits.streamWindowByteCount;
    this.streams.add(stream);
    this.stats.streamCount += 1;
    this.stats.activeStreamCount += 1;
    this.guard.earn('windowUpdate', 2);
  }

  /** Forgets a stream and tells it. */
  protected breakStream(stream: H2Stream, why: StreamBreak): void {
    if (!this.streams.delete(stream.id)) return;
    this.stats.activeStreamCount -= 1;
    stream.broken(why);
    this.#endIfDone();
  }

  /** The other side has answered a PING. */
  protected pingAnswered(payload: Uint8Array, at: number): void {
    if (this.phase !== 'announced') return;
    if (DRAIN_PING.some((octet, index) => payload[at + index] !== octet)) return;
    this.phase = 'draining';
    this.sender.writer.goAway(this.lastPeerStreamId, errors.NO_ERROR, '');
    this.#endIfDone();
  }

  /** The other side has said GOAWAY; false if it takes back what it said before. */
  protected peerGoes(lastStreamId: number, errorCode: number): boolean {
    if (lastStreamId > this.#peerLastStreamId) return false;
    this.#peerLastStreamId = lastStreamId;
    this.#peerIsGoing = true;
    if (!this.#isServer) {
      const detail = 'the connection goes away';
      for (const stream of this.streams.list()) {
        if (stream.id <= lastStreamId) continue;
        this.breakStream(stream, { by: 'peer', errorCode, unprocessed: true, detail });
      }
    }
    this.#endIfDone();
    return true;
  }

  #greet(): void {
    const { limits, sender } = this;
    const { writer } = sender;
    if (!this.#isServer) writer.preface();
    const settings: [number, number][] = [];
    if (limits.headerTableByteCountMax !== 4096) {
      settings.push([frames.HEADER_TABLE_SIZE, limits.headerTableByteCountMax]);
    }
    if (this.#isServer) settings.push([frames.MAX_CONCURRENT_STREAMS, limits.streamCountMax]);
    else settings.push([frames.ENABLE_PUSH, 0]);
    settings.push([frames.INITIAL_WINDOW_SIZE, limits.streamWindowByteCount]);
    if (limits.frameByteCountMax !== frames.FRAME_BYTES_DEFAULT) {
      settings.push([frames.MAX_FRAME_SIZE, limits.frameByteCountMax]);
    }
    settings.push([frames.MAX_HEADER_LIST_SIZE, limits.headByteCountMax]);
    if (this.#isServer && limits.takesProtocols) {
      settings.push([frames.ENABLE_CONNECT_PROTOCOL, 1]);
    }
    writer.settings(settings);
    this.awaitedAckCount += 1;
    const increment = this.#window.announce();
    if (increment > 0) writer.windowUpdate(0, increment);
  }

  #sweepStream(stream: H2Stream): void {
    if (stream.carries === 'socket') return;
    const { limits, stats, nowMs } = this;
    if (stream.progress !== stream.seenProgress) {
      stream.seenProgress = stream.progress;
      stream.quietSinceMs = nowMs;
    }
    const quietMs = nowMs - stream.quietSinceMs;
    if (stream.isBlocked && quietMs >= limits.stallTimeoutMs) {
      stats.stallTimeoutCount += 1;
      this.reset(stream, errors.CANCEL, 'the other side makes no room');
    } else if (this.#isServer && stream.awaitsBody && quietMs >= limits.streamIdleTimeoutMs) {
      stats.streamIdleTimeoutCount += 1;
      this.reset(stream, errors.CANCEL, 'the body does not go on');
    }
  }

  #endIfDone(): void {
    if (this.streams.size > 0) return;
    if (this.phase !== 'draining' && !this.#peerIsGoing) return;
    const detail = 'the connection has ended';
    this.#close({ by: 'connection', errorCode: errors.NO_ERROR, unprocessed: false, detail });
  }

  #close(why: StreamBreak): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.stopReading();
    for (const stream of this.streams.list()) this.breakStream(stream, why);
    this.flush();
    this.#port.end(why.errorCode, why.detail);
  }
}
