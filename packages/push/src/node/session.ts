import { messageOf, type Result } from '@leno/std';
import type { WebSocket } from 'ws';
import { restartReason } from '../client/connection.ts';
import { closeCodes } from '../messages/close-code.ts';
import { decodeClientMessage, encodeMessage } from '../messages/codec.ts';
import type { Refusal, ServerMessage, Svid } from '../messages/server-messages.ts';
import type { View } from '../messages/view.ts';
import { createServerState, expiredReason, serverStep } from '../server/server-step.ts';
import {
  type ServerEffect,
  type ServerEvent,
  type ServerState,
  serverWakeMs,
} from '../server/session-state.ts';
import { Alarm } from './alarm.ts';
import type {
  Caller,
  PushServerLimits,
  PushServerOptions,
  SessionEnd,
  SessionInfo,
} from './server-options.ts';
import type { ServerStats } from './server-stats.ts';

type EventBody = ServerEvent extends infer E
  ? E extends ServerEvent
    ? Omit<E, 'nowMs' | 'random'>
    : never
  : never;

/** What a session shares with its server. */
export interface SessionContext {
  readonly options: PushServerOptions;
  readonly limits: PushServerLimits;
  readonly stats: ServerStats;
  /** After each step. */
  stepped(session: Session): void;
  /** Once, at the end. */
  ended(session: Session): void;
}

/** Runs the machine of one session on a WebSocket: frames in, effects out, one alarm. */
export class Session {
  readonly id: string;
  readonly #socket: WebSocket;
  readonly #caller: Caller;
  readonly #remoteAddress: string;
  readonly #context: SessionContext;
  readonly #alarm: Alarm;
  readonly #connectedAtMs: number;
  readonly #events: ServerEvent[] = [];
  #state: ServerState;
  #ackedAtMs = 0;
  #snapshotBytes = 0;
  #isRunning = false;
  #isOver = false;

  constructor(
    socket: WebSocket,
    who: { readonly id: string; readonly caller: Caller; readonly remoteAddress: string },
    context: SessionContext,
  ) {
    const { clock, timers, rng, name } = context.options;
    this.id = who.id;
    this.#socket = socket;
    this.#caller = who.caller;
    this.#remoteAddress = who.remoteAddress;
    this.#context = context;
    this.#connectedAtMs = clock.wallMs();
    const nowMs = clock.nowMs();
    const { expiresAtMs } = who.caller;
    this.#state = createServerState(
      {
        ...context.limits,
        session: who.id,
        server: name ?? 'control-plane',
        role: who.caller.kind,
        expiresAtMs:
          expiresAtMs === undefined
            ? Number.POSITIVE_INFINITY
            : nowMs + expiresAtMs - clock.wallMs(),
      },
      { nowMs, random: rng() },
    );
    this.#alarm = new Alarm(clock, timers, () => this.dispatch({ kind: 'tick' }));
    this.#listen();
    this.#alarm.setFor(serverWakeMs(this.#state));
  }

  /** A copy of how the session stands. */
  get info(): SessionInfo {
    const state = this.#state;
    const { acked, settled } = state;
    return {
      id: this.id,
      kind: this.#caller.kind,
      identity: this.#caller.identity,
      remoteAddress: this.#remoteAddress,
      node: state.node ?? undefined,
      caps: state.caps,
      subs: state.subs,
      connectedAtMs: this.#connectedAtMs,
      phase: state.phase,
      acked,
      settled: settled === null ? null : { epoch: settled.epoch, version: settled.version },
      verdict: state.verdict,
      errors: state.errors,
      applyMs: state.applyMs,
      ackedAtMs: this.#ackedAtMs,
      leases: state.leases,
    };
  }

  /** Whether a view may be computed for it: it has said who it is. */
  get wantsViews(): boolean {
    return this.#state.phase === 'live' || this.#state.phase === 'hold';
  }

  /** Computes the view anew and sends what has changed. */
  refresh(): void {
    if (this.wantsViews) this.dispatch({ kind: 'view', view: this.#view() });
  }

  /** Steps the machine. Events that arise from effects wait for their turn. */
  dispatch(body: EventBody): void {
    const { clock, rng } = this.#context.options;
    this.#events.push({ ...body, nowMs: clock.nowMs(), random: rng() });
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        const [state, effects] = serverStep(this.#state, event);
        this.#state = state;
        for (const effect of effects) this.#run(effect);
      }
    } finally {
      this.#isRunning = false;
      if (!this.#isOver) this.#alarm.setFor(serverWakeMs(this.#state));
    }
    this.#context.stepped(this);
  }

  /** Closes from outside of the machine, such as at shutdown: then it is the server that goes. */
  close(code: number, reason: string): void {
    this.dispatch({ kind: 'closed' });
    this.#socket.close(code, reason);
    this.#end({ code, reason, isReturning: code === closeCodes.goingAway });
  }

  #listen(): void {
    const socket = this.#socket;
    const { receiveBytesMax } = this.#context.limits;
    socket.on('message', (frame, isBinary) => {
      this.#context.stats.count('receivedMessages');
      const text = isBinary || !Buffer.isBuffer(frame) ? '' : frame.toString('utf8');
      const decoded = decodeClientMessage(text, receiveBytesMax);
      if (decoded.ok) this.dispatch({ kind: 'message', message: decoded.value });
      else this.dispatch({ kind: 'malformed', fault: decoded.error });
    });
    socket.on('ping', () => this.dispatch({ kind: 'heard' }));
    socket.on('pong', () => this.dispatch({ kind: 'heard' }));
    // What ws finds wrong with a frame it answers itself; `close` follows.
    socket.on('error', () => this.#context.stats.count('socketErrors'));
    socket.on('close', (code, reason) => {
      const text = reason.toString('utf8');
      this.dispatch({ kind: 'closed' });
      this.#end({ code, reason: text, isReturning: text === restartReason });
    });
  }

  #run(effect: ServerEffect): void {
    if (this.#isOver) return;
    const { on } = this.#context.options;
    switch (effect.kind) {
      case 'send':
        this.#send(effect.message);
        break;
      case 'ping':
        this.#socket.ping();
        break;
      case 'close':
        this.#socket.close(effect.code, effect.reason);
        // Whoever is sent away with an expired certificate is alive, and comes back with a new one.
        this.#end({ ...effect, isReturning: effect.reason === expiredReason });
        break;
      case 'terminate':
        this.#socket.terminate();
        this.#end({ code: 1_006, reason: effect.reason, isReturning: false });
        break;
      case 'hello':
        this.#decide();
        break;
      case 'acked':
        this.#ackedAtMs = this.#context.options.clock.wallMs();
        this.#snapshotBytes = 0;
        on?.ack?.(this.info, effect.ack);
        break;
      case 'stat':
        on?.stat?.(this.info, effect.body);
        break;
      case 'fence':
        on?.fence?.(effect.epoch);
        break;
      case 'count':
        this.#context.stats.count(effect.counter);
        break;
      default:
        this.#ask(effect);
    }
  }

  #ask(effect: Extract<ServerEffect, { kind: 'lease' | 'csr' | 'leave' }>): void {
    const { on } = this.#context.options;
    if (effect.kind === 'lease') {
      const { lease } = effect;
      const verdict = on?.lease?.(this.info, lease);
      if (verdict === undefined || verdict.ok) return;
      const id = lease.kind === 'register' ? lease.instance.id : lease.id;
      this.#refuse(`lease:${id}`, verdict.error);
      return;
    }
    const { ref } = effect;
    const fail = (thrown: unknown): void => {
      this.#context.stats.count('listenerFailures');
      this.#refuse(ref, { code: 'INTERNAL', msg: messageOf(thrown) });
    };
    if (effect.kind === 'csr') {
      const answer = (result: Result<Svid, Refusal>): void => {
        if (!result.ok) return this.#refuse(ref, result.error);
        const { chain, bundle, notAfterMs } = result.value;
        const { id } = effect;
        const certificates = { chain: [...chain], bundle: [...bundle] };
        this.#answer(ref, { t: 'svid', id, ...certificates, notAfter: notAfterMs });
      };
      if (on?.csr === undefined) fail('this server issues no certificates');
      else on.csr(this.info, effect.pem).then(answer, fail);
      return;
    }
    const { instance } = effect;
    if (on?.leave === undefined) return fail('this server keeps no instances');
    on.leave(this.info, instance).then(({ acked, late }) => {
      this.#answer(ref, { t: 'left', instance, acked, late: late.slice(0, 1_024) });
    }, fail);
  }

  #decide(): void {
    const verdict = this.#context.options.on?.hello?.(this.info);
    if (verdict !== undefined && !verdict.ok) {
      this.dispatch({ kind: 'refuse', refusal: verdict.error });
    } else {
      this.dispatch({ kind: 'admit', view: this.#view() });
    }
  }

  #view(): View | undefined {
    try {
      return this.#context.options.viewFor(this.info);
    } catch {
      // What the proxy runs stays; a view that cannot be computed must not take sessions down.
      this.#context.stats.count('viewFailures');
      return undefined;
    }
  }

  #answer(ref: string, message: Extract<ServerMessage, { t: 'svid' | 'left' | 'error' }>): void {
    this.dispatch({ kind: 'answer', ref, message });
  }

  #refuse(ref: string, refusal: Refusal): void {
    const code = refusal.code.slice(0, 64) || 'DENIED';
    this.#answer(ref, { t: 'error', ref, code, msg: refusal.msg.slice(0, 2_000) });
  }

  #send(message: ServerMessage): void {
    const { limits, stats } = this.#context;
    const text = encodeMessage(message, limits.sendBytesMax);
    if (!text.ok) {
      stats.count('tooBig');
      this.close(closeCodes.tooBig, text.error.msg.slice(0, 120));
      return;
    }
    if (this.#socket.bufferedAmount > limits.bufferedBytesMax + this.#snapshotBytes) {
      stats.count('bufferFull');
      this.#socket.terminate();
      this.#end({ code: closeCodes.behind, reason: 'it does not read', isReturning: false });
      return;
    }
    stats.count('sentMessages');
    stats.add('sentBytes', text.value.length);
    if (message.t === 'snapshot') {
      stats.count('sentSnapshots');
      this.#snapshotBytes = text.value.length;
    }
    this.#socket.send(text.value);
  }

  #end(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#alarm.cancel();
    const { info } = this;
    const { code, reason, isReturning } = end;
    this.dispatch({ kind: 'closed' });
    this.#context.ended(this);
    this.#context.options.on?.closed?.(info, { code, reason, isReturning });
  }
}
