import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeCodes } from '../messages/close-code.ts';
import { subprotocol } from '../messages/codec.ts';
import type { Revision } from '../messages/revision.ts';
import {
  type ChangeClass,
  type DebounceState,
  fanOutDueMs,
  noteChange,
} from '../server/debounce.ts';
import {
  AdmissionRate,
  type HttpRefusal,
  identify,
  pathOf,
  refuseUpgrade,
  requestFault,
} from './admission.ts';
import { Alarm } from './alarm.ts';
import type { Caller, PushServerLimits, PushServerOptions, SessionInfo } from './server-options.ts';
import { type ServerStat, ServerStats } from './server-stats.ts';
import { Session, type SessionContext } from './session.ts';
import { SettledWaiter, type Settlement } from './settled-waiter.ts';

const defaultLimits: PushServerLimits = {
  sessionCountMax: 10_000,
  upgradesPerSecond: 150,
  receiveBytesMax: 1_024 * 1_024,
  sendBytesMax: 16 * 1_024 * 1_024,
  bufferedBytesMax: 8 * 1_024 * 1_024,
  requestCountMax: 8,
  leaseCountMax: 64,
  statsPerSecond: 2,
  heartbeatMs: 10_000,
  ackTimeoutMs: 10_000,
};

const defaultPath = '/v1/push';
/** After this many sends the event loop gets a turn: at 50 µs each that is 10 ms. */
const fanOutChunk = 200;
const closeWaitMs = 2_000;
/** An option that the types of ws do not know: how long a close frame waits for its answer. */
const closing = { closeTimeout: closeWaitMs };

/**
 * The control plane's end: admits proxies on an https server that its owner keeps, runs one machine
 * per session, and computes views anew when the head has advanced.
 */
export class PushServer {
  readonly #options: PushServerOptions;
  readonly #limits: PushServerLimits;
  readonly #stats = new ServerStats();
  readonly #sessions = new Map<string, Session>();
  readonly #waiters = new Set<SettledWaiter>();
  readonly #sockets: WebSocketServer;
  readonly #rate: AdmissionRate;
  readonly #alarm: Alarm;
  readonly #context: SessionContext;
  /** Upgrades that have a place but no session yet. */
  #pendingCount = 0;
  #debounce: DebounceState = {};
  #fanOutMs = 0;
  #isFanningOut = false;
  #isClosed = false;

  constructor(options: PushServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#rate = new AdmissionRate(this.#limits.upgradesPerSecond, options.clock.nowMs());
    this.#alarm = new Alarm(options.clock, options.timers, () => void this.#fanOutIfDue());
    this.#sockets = new WebSocketServer({
      ...closing,
      noServer: true,
      perMessageDeflate: false,
      maxPayload: this.#limits.receiveBytesMax,
      maxFragments: 16,
      handleProtocols: () => subprotocol,
    });
    this.#context = {
      options,
      limits: this.#limits,
      stats: this.#stats,
      stepped: (session) => this.#stepped(session),
      ended: (session) => this.#ended(session),
    };
    options.server.on('upgrade', this.#onUpgrade);
  }

  /**
   * What proxies are to hold may have changed: their views are computed anew, soon (R4). `urgent`
   * is an endpoint that went, within 5 ms; `added` one that came, 20 ms of quiet or 200 ms at most;
   * `normal` all else, 50 ms or 1 s.
   */
  headAdvanced(change: ChangeClass): void {
    if (this.#isClosed) return;
    this.#debounce = noteChange(this.#debounce, change, this.#options.clock.nowMs());
    if (!this.#isFanningOut) this.#alarm.setFor(fanOutDueMs(this.#debounce, this.#fanOutMs));
  }

  /** All open sessions, as they stand. */
  sessions(): readonly SessionInfo[] {
    return [...this.#sessions.values()].map((it) => it.info);
  }

  /**
   * Resolves once every session has given its verdict on `revision`, or after `timeoutMs`: with the
   * count of those that run it, and the nodes that are late or have refused it. For `leave` and for
   * `apply --wait`. Views of `viewFor` must carry the head they were computed at for this to work.
   */
  settled(revision: Revision, timeoutMs: number): Promise<Settlement> {
    return new Promise((resolve) => {
      const waiter = new SettledWaiter(revision, (settlement) => {
        this.#waiters.delete(waiter);
        timer.cancel();
        resolve(settlement);
      });
      const timer = this.#options.timers.after(timeoutMs, () => waiter.finish());
      this.#waiters.add(waiter);
      waiter.begin(this.sessions());
    });
  }

  get stats(): Readonly<Record<ServerStat, number>> {
    return this.#stats.read();
  }

  /** Closes all sessions (1001) and takes no more; the https server stays its owner's. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.server.off('upgrade', this.#onUpgrade);
    this.#alarm.cancel();
    for (const waiter of [...this.#waiters]) waiter.finish();
    const open = [...this.#sockets.clients];
    const closed = Promise.all(open.map((it) => new Promise((done) => it.once('close', done))));
    for (const session of [...this.#sessions.values()]) {
      session.close(closeCodes.goingAway, 'the server stops');
    }
    const timer = this.#options.timers.after(closeWaitMs, () => {
      for (const socket of open) socket.terminate();
    });
    await closed;
    timer.cancel();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => this.#stats.count('socketErrors'));
    const path = this.#options.path ?? defaultPath;
    const isOthers = this.#options.server.listenerCount('upgrade') > 1;
    if (isOthers && pathOf(request) !== path) return;
    const fault = requestFault(request, path) ?? this.#capacityFault();
    if (fault !== undefined) this.#refuse(socket, fault);
    else void this.#admit(request, socket, head);
  };

  #capacityFault(): HttpRefusal | undefined {
    if (this.#sessions.size + this.#pendingCount >= this.#limits.sessionCountMax) {
      return { counter: 'refusedFull', status: 503, retryAfterS: 5 };
    }
    if (this.#rate.admits(this.#options.clock.nowMs())) return undefined;
    return { counter: 'refusedRate', status: 429, retryAfterS: 1 };
  }

  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#pendingCount += 1;
    try {
      const caller = await identify(request, this.#options);
      if (socket.destroyed) return;
      if (caller === undefined || this.#isClosed) {
        this.#refuse(socket, { counter: 'refusedAuth', status: 401 });
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        this.#open(webSocket, caller, request.socket.remoteAddress ?? '');
      });
    } catch {
      this.#stats.count('listenerFailures');
      this.#refuse(socket, { counter: 'refusedAuth', status: 503, retryAfterS: 5 });
    } finally {
      this.#pendingCount -= 1;
    }
  }

  #refuse(socket: Duplex, refusal: HttpRefusal): void {
    this.#stats.count(refusal.counter);
    refuseUpgrade(socket, refusal);
  }

  #open(socket: WebSocket, caller: Caller, remoteAddress: string): void {
    this.#stats.count('accepted');
    const id = randomBytes(9).toString('base64url');
    const session = new Session(socket, { id, caller, remoteAddress }, this.#context);
    this.#sessions.set(id, session);
  }

  #stepped(session: Session): void {
    if (this.#waiters.size === 0) return;
    const { info } = session;
    for (const waiter of [...this.#waiters]) waiter.see(info);
  }

  #ended(session: Session): void {
    this.#sessions.delete(session.id);
    for (const waiter of [...this.#waiters]) waiter.drop(session.id);
  }

  async #fanOutIfDue(): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const dueMs = fanOutDueMs(this.#debounce, this.#fanOutMs);
    if (startMs < dueMs) {
      this.#alarm.setFor(dueMs);
      return;
    }
    this.#debounce = {};
    this.#isFanningOut = true;
    this.#stats.count('fanOuts');
    let count = 0;
    for (const session of [...this.#sessions.values()]) {
      session.refresh();
      count += 1;
      if (count % fanOutChunk === 0) await new Promise((turn) => setImmediate(turn));
    }
    this.#fanOutMs = Math.min(clock.nowMs() - startMs, 1_000);
    this.#isFanningOut = false;
    if (!this.#isClosed) this.#alarm.setFor(fanOutDueMs(this.#debounce, this.#fanOutMs));
  }
}
