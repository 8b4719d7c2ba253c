/**
 * One connection to an upstream that speaks HTTP/2: many tries at a time, each on a stream of its own.
 * It takes tries when the settings of the other side have come, which say how many.
 */
import type { OutgoingRequest } from './exchange.ts';
import { recycle } from './h2/frame-writer.ts';
import { H2Client } from './h2/h2-client.ts';
import type { H2Limits, H2Stats } from './h2/h2-options.ts';
import type { H2Port } from './h2/h2-sender.ts';
import { atLoopEnd, type TurnTask } from './turn.ts';
import { type H2TryPort, UpstreamH2Try } from './upstream-h2-try.ts';
import type { UpstreamTry } from './upstream-try.ts';
import { KEY_FIELD } from './web-socket.ts';
import type { Wire, WireOwner } from './wire.ts';

/** What a connection needs of its pool. */
export interface H2PoolPort {
  readonly limits: H2Limits;
  readonly stats: H2Stats;
  readonly isSecure: boolean;
  /** After so long without an octet whoever gives up takes the connection for dead. */
  readonly silenceMs: number;
  nowMs(): number;
  /** There may be room for a try, or none for ever. */
  changed(connection: UpstreamH2Connection): void;
  /** A connection has ended before it took a single try. */
  unwelcome(why: string): void;
  /** It is gone; said once. */
  gone(connection: UpstreamH2Connection): void;
}

export class UpstreamH2Connection implements WireOwner, H2Port, H2TryPort, TurnTask {
  readonly wire: Wire;
  /** Since when it has no stream; the pool's. */
  idleSinceMs: number;
  receivedCount = 0;
  errorCode = '';
  readonly #pool: H2PoolPort;
  readonly #client: H2Client;
  readonly #unsent: UpstreamTry[] = []; // Nothing of them has left.
  #isScheduled = false;
  #hasChanged = false; // There may be room.
  #servedCount = 0;

  constructor(pool: H2PoolPort, openWire: (owner: WireOwner) => Wire) {
    this.#pool = pool;
    this.wire = openWire(this);
    const { limits, stats, isSecure } = pool;
    this.idleSinceMs = pool.nowMs();
    this.#client = new H2Client({ limits, stats, port: this, nowMs: this.idleSinceMs }, isSecure);
  }

  get isSecure(): boolean {
    return this.#pool.isSecure;
  }

  /** Whether it is not known yet how many tries it takes. */
  get isGreeting(): boolean {
    return !this.#client.isGreeted && !this.#client.isClosed;
  }

  /** Tries that it takes now. */
  get roomCount(): number {
    return this.#client.isGreeted ? this.#client.roomCount : 0;
  }

  get activeCount(): number {
    return this.#client.streamCount;
  }

  /** Whether it takes upgrades, by extended CONNECT. */
  get takesProtocols(): boolean {
    return this.#client.takesProtocols;
  }

  /** Whether it takes no more tries, though some may be on it. */
  get isGoing(): boolean {
    return this.#client.isGoing;
  }

  /** Sends the head of `attempt` when this pass of the event loop ends. Only when there is room. */
  start(attempt: UpstreamTry): void {
    const one = new UpstreamH2Try(this, attempt);
    const { outgoing } = attempt;
    if (outgoing.upgrade !== undefined && !this.#client.takesProtocols) {
      const detail = 'it takes no upgrades over HTTP/2';
      attempt.failLater({ reason: 'upstream-protocol', unprocessed: true, detail });
      return;
    }
    one.stream = this.#client.request(sendable(outgoing), one);
    attempt.attach(one, one, this.#servedCount > 0);
    this.#unsent.push(attempt);
    this.#servedCount += 1;
  }

  received(chunk: Buffer): void {
    const wasGreeting = this.isGreeting;
    this.receivedCount += 1;
    this.#client.receive(chunk, this.#pool.nowMs());
    if (wasGreeting || this.#client.isGoing) this.#pool.changed(this);
  }

  ended(): void {
    this.#client.ended('the connection was closed');
  }

  drained(): void {
    this.#client.drained();
  }

  closed(cause: string, code: string): void {
    this.errorCode = code;
    this.#client.ended(cause === '' ? 'the connection was closed' : cause);
    this.#pool.gone(this);
  }

  /** Takes no more tries, and ends when those on it have. */
  drain(): void {
    this.#client.drain();
  }

  /** Closes it at once; what is on it fails. */
  close(): void {
    this.wire.destroy();
  }

  sweep(nowMs: number): void {
    // It was ended by us, and the other side had time to read why.
    if (this.#client.isClosed) this.wire.destroy();
    this.#client.sweep(nowMs);
  }

  /** What lies behind it may have gone without a word: those to come need not find that out again. */
  staysSilent(sinceMs: number): void {
    if (this.#pool.nowMs() - sinceMs >= this.#pool.silenceMs) this.#client.drain();
  }

  tryEnded(): void {
    // The stream is counted until it has told everybody.
    this.#hasChanged = true;
    this.wantsFlush();
  }

  get isFull(): boolean {
    return this.wire.isFull;
  }

  write(octets: Buffer): boolean {
    this.#tellSent();
    return this.wire.writeOwned(octets, recycle);
  }

  wantsFlush(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atLoopEnd(this);
  }

  turnEnded(): void {
    this.#isScheduled = false;
    if (this.#hasChanged) {
      this.#hasChanged = false;
      this.#pool.changed(this);
    }
    this.#client.flush();
  }

  /** Before the first octet leaves: from then on the other side may have acted upon it. */
  #tellSent(): void {
    const unsent = this.#unsent;
    for (const attempt of unsent) attempt.turnEnded();
    unsent.length = 0;
  }

  end(_errorCode: number, detail: string): void {
    this.wire.end();
    if (this.#client.isGreeted) this.#pool.changed(this);
    else this.#pool.unwelcome(detail);
  }
}

/** RFC 8441 §5: what HTTP/1.1 needs to be sure of an upgrade has no use here. */
function sendable(outgoing: OutgoingRequest): OutgoingRequest {
  if (outgoing.upgrade === undefined || !outgoing.fields.has(KEY_FIELD)) return outgoing;
  const fields = outgoing.fields.clone();
  fields.remove(KEY_FIELD);
  return { ...outgoing, fields };
}
