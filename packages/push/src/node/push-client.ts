import { messageOf } from '@leno/std';
import {
  type ClientCounter,
  type ClientEffect,
  type ClientEvent,
  type ClientState,
  type ClientStatus,
  clientStatus,
  clientWakeMs,
  createClientState,
} from '../client/client-state.ts';
import { clientStep } from '../client/client-step.ts';
import { decodeServerMessage, encodeMessage } from '../messages/codec.ts';
import type { LeaseInstance } from '../messages/lease.ts';
import type { Left, Svid } from '../messages/server-messages.ts';
import type { ApplyResult, View } from '../messages/view.ts';
import { PushRefusedError } from '../push-refused-error.ts';
import { Alarm } from './alarm.ts';
import type { PushClientLimits, PushClientOptions } from './client-options.ts';
import { type Dialled, dial } from './dial.ts';
import { RequestBook } from './request-book.ts';

const defaultLimits: PushClientLimits = {
  messageBytesMax: 16 * 1_024 * 1_024,
  bufferedBytesMax: 8 * 1_024 * 1_024,
  leaseCountMax: 64,
  requestCountMax: 8,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 60_000,
  heartbeatMs: 10_000,
};

type EventBody = ClientEvent extends infer E
  ? E extends ClientEvent
    ? Omit<E, 'nowMs' | 'random'>
    : never
  : never;

/** What a client counts: its machine's counters, and those of the socket. */
export type PushClientStats = Readonly<
  Record<ClientCounter | 'connects' | 'sentMessages' | 'receivedMessages' | 'bufferFull', number>
>;

/**
 * A proxy's session with its control plane: keeps one connection, hands views to `apply`, keeps
 * instances registered. It reconnects for ever until `stop()`; losing the control plane changes
 * nothing in what runs.
 */
export class PushClient {
  readonly #options: PushClientOptions;
  readonly #limits: PushClientLimits;
  readonly #alarm: Alarm;
  readonly #book = new RequestBook();
  readonly #events: ClientEvent[] = [];
  readonly #stats: Record<keyof PushClientStats, number> = {
    leaseRefused: 0,
    requestRefused: 0,
    statDropped: 0,
    staleSnapshot: 0,
    digestMismatch: 0,
    malformed: 0,
    connects: 0,
    sentMessages: 0,
    receivedMessages: 0,
    bufferFull: 0,
  };
  #state: ClientState;
  #status: ClientStatus;
  #connection: Dialled | undefined;
  #isRunning = false;
  #csrCount = 0;

  constructor(options: PushClientOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#state = createClientState({ ...this.#limits, node: options.node });
    this.#status = clientStatus(this.#state);
    this.#alarm = new Alarm(options.clock, options.timers, () => this.#dispatch({ kind: 'tick' }));
  }

  /** Connects, and keeps connecting. Starting twice does nothing. */
  start(): void {
    this.#dispatch({ kind: 'start', held: this.#options.have() });
  }

  /** Ends the session; requests that wait are refused with `LOST`. May be started again. */
  stop(): void {
    this.#dispatch({ kind: 'stop' });
    this.#alarm.cancel();
  }

  /** Connects anew at once with what `tls()` gives now: after a new certificate. */
  restart(): void {
    this.#dispatch({ kind: 'restart' });
  }

  /**
   * Registers an instance and keeps it registered over every session until `dropLease`. A refusal
   * comes as `on.error`. `ttlMs` is from 1 s to 1 h; it is renewed at a third of that.
   */
  lease(instance: LeaseInstance, ttlMs: number): void {
    this.#dispatch({ kind: 'lease', instance, ttlMs });
  }

  /** Takes an instance back at once; unknown ids are ignored. */
  dropLease(id: string): void {
    this.#dispatch({ kind: 'dropLease', id });
  }

  /**
   * Asks for a certificate; waits for a session if there is none. Fails with `PushRefusedError`,
   * also if the session is lost meanwhile: then ask again.
   */
  csr(pem: string): Promise<Svid> {
    this.#csrCount += 1;
    const id = `c${String(this.#csrCount)}`;
    const answer = this.#book.expect<Svid>(`csr:${id}`);
    this.#dispatch({ kind: 'csr', id, pem });
    return answer;
  }

  /**
   * Says that an instance goes, and waits until nobody is sent to it any more (P9). Fails with
   * `PushRefusedError` at once without a session.
   */
  leave(instance: string): Promise<Left> {
    const answer = this.#book.expect<Left>(`leave:${instance}`);
    this.#dispatch({ kind: 'leave', instance });
    return answer;
  }

  /** Sends figures; dropped and counted without a session. */
  stat(body: Readonly<Record<string, unknown>>): void {
    this.#dispatch({ kind: 'stat', body });
  }

  get status(): ClientStatus {
    return clientStatus(this.#state);
  }

  get stats(): PushClientStats {
    return { ...this.#stats };
  }

  /** Events that arise from effects wait for their turn, so that steps never nest. */
  #dispatch(body: EventBody): void {
    const { clock, rng } = this.#options;
    this.#events.push({ ...body, nowMs: clock.nowMs(), random: rng() });
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
        const [state, effects] = clientStep(this.#state, event);
        this.#state = state;
        for (const effect of effects) this.#run(effect);
      }
    } finally {
      this.#isRunning = false;
      this.#alarm.setFor(clientWakeMs(this.#state));
    }
    this.#tellStatus();
  }

  #run(effect: ClientEffect): void {
    const { on } = this.#options;
    switch (effect.kind) {
      case 'connect':
        this.#connect();
        break;
      case 'ping':
        this.#connection?.ping();
        break;
      case 'send':
        this.#send(effect);
        break;
      case 'close':
        this.#forget()?.close(effect.code, effect.reason);
        break;
      case 'terminate':
        this.#forget()?.terminate();
        break;
      case 'apply':
        this.#apply(effect.view);
        break;
      case 'running':
        on?.running?.(effect.view);
        break;
      case 'answered':
        this.#answer(effect.message);
        break;
      case 'refused':
        if (!this.#book.reject(effect.ref, new PushRefusedError(effect))) on?.error?.(effect);
        break;
      case 'count':
        this.#stats[effect.counter] += 1;
    }
  }

  #connect(): void {
    this.#stats.connects += 1;
    this.#forget()?.terminate();
    const { url, join } = this.#options;
    const tls = this.#options.tls();
    const { messageBytesMax } = this.#limits;
    // Events of a connection that was forgotten meanwhile are nobody's.
    const ifMine = (event: EventBody): void => {
      if (this.#connection === connection) this.#dispatch(event);
    };
    const connection = dial(
      { url, tls, join, messageBytesMax },
      {
        opened: (isJoining) => ifMine({ kind: 'opened', isJoining }),
        heard: () => ifMine({ kind: 'heard' }),
        lost: (reason, retryAfterMs) => ifMine({ kind: 'lost', reason, retryAfterMs }),
        text: (text) => {
          this.#stats.receivedMessages += 1;
          const decoded = decodeServerMessage(text, messageBytesMax);
          if (decoded.ok) ifMine({ kind: 'message', message: decoded.value });
          else ifMine({ kind: 'malformed', fault: decoded.error });
        },
      },
    );
    this.#connection = connection;
  }

  #send({ message }: Extract<ClientEffect, { kind: 'send' }>): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    const text = encodeMessage(message, this.#limits.messageBytesMax);
    if (!text.ok || connection.bufferedBytes > this.#limits.bufferedBytesMax) {
      this.#stats.bufferFull += 1;
      const reason = text.ok ? 'too much waits for the socket' : text.error.msg;
      this.#forget()?.terminate();
      this.#dispatch({ kind: 'lost', reason });
      return;
    }
    this.#stats.sentMessages += 1;
    connection.send(text.value);
  }

  #apply(view: View): void {
    const startMs = this.#options.clock.nowMs();
    const settle = (result: ApplyResult): void => {
      const applyMs = Math.max(0, this.#options.clock.nowMs() - startMs);
      this.#dispatch({ kind: 'applied', result, applyMs });
    };
    const fail = (thrown: unknown): void => settle(rejection(messageOf(thrown)));
    try {
      const result = this.#options.apply(view);
      if (result instanceof Promise) result.then(settle, fail);
      else settle(result);
    } catch (thrown) {
      fail(thrown);
    }
  }

  #answer(message: Extract<ClientEffect, { kind: 'answered' }>['message']): void {
    const { on } = this.#options;
    if (message.t === 'svid') {
      const { chain, bundle, notAfter } = message;
      const svid: Svid = { chain, bundle, notAfterMs: notAfter };
      this.#book.resolve(`csr:${message.id}`, svid);
      on?.svid?.(svid);
      return;
    }
    const { instance, acked, late } = message;
    this.#book.resolve(`leave:${instance}`, { acked, late });
    on?.left?.({ instance, acked, late });
  }

  #forget(): Dialled | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    return connection;
  }

  #tellStatus(): void {
    const before = this.#status;
    const status = clientStatus(this.#state);
    this.#status = status;
    const isSame =
      before.kind === status.kind &&
      before.session === status.session &&
      before.mode === status.mode &&
      before.running === status.running &&
      before.head === status.head &&
      before.errors === status.errors &&
      before.verdict === status.verdict &&
      before.lastError === status.lastError;
    if (!isSame) this.#options.on?.state?.(status);
  }
}

function rejection(msg: string): ApplyResult {
  const error = { type: '', name: '', version: 0, code: 'APPLY_THREW', path: '', msg };
  return { status: 'rejected', errors: [error] };
}
