/**
 * The control plane's end of one session, as a pure function: what has happened goes in, what is to
 * be done comes out. At most one config message is unanswered, later heads replace each other while
 * it is (R1), and a session that does not answer in time is closed (R6), so that a slow proxy costs
 * O(1) memory and never slows another. Views are computed by the owner and only compared here.
 *
 * Deltas and waves change what `sendDue` sends, not how sessions live.
 */
import { unreachable } from '@leno/std';
import { beat, hear, type Moment, startHeartbeat } from '../heartbeat.ts';
import type { ClientMessage, Hello } from '../messages/client-messages.ts';
import { type CloseCode, closeCodes } from '../messages/close-code.ts';
import type { DecodeFault } from '../messages/codec.ts';
import { nodeInfo } from '../messages/node-info.ts';
import { admit, sendDue, takeAck, takeResync, takeView } from './config-sending.ts';
import {
  errorEffect,
  settleRequest,
  takeCsr,
  takeLease,
  takeLeave,
  takeStat,
} from './session-requests.ts';
import type { ServerEvent, ServerState, ServerStep, SessionOptions } from './session-state.ts';

/** Why a session is closed at the end of its certificate. */
export const expiredReason = 'certificate expired';

const greetingMs = 5_000;
const joiningMs = 30_000;
const malformedCountMax = 10;

/** A session whose WebSocket has just been opened. */
export function createServerState(options: SessionOptions, moment: Moment): ServerState {
  const isJoining = options.role === 'joining';
  return {
    options,
    phase: isJoining ? 'joining' : 'greeting',
    untilMs: moment.nowMs + (isJoining ? joiningMs : greetingMs),
    heartbeat: startHeartbeat(options.heartbeatMs, moment),
    node: null,
    caps: [],
    subs: [],
    have: null,
    head: null,
    inflight: null,
    acked: null,
    settled: null,
    verdict: 'none',
    errors: [],
    applyMs: 0,
    rejected: [],
    rejectionCount: 0,
    notBeforeMs: 0,
    told: null,
    markNotBeforeMs: 0,
    nonce: 0,
    resyncCount: 0,
    malformedCount: 0,
    leases: [],
    requests: [],
    stats: { tokens: 5 * options.statsPerSecond, atMs: moment.nowMs },
    csrs: { tokens: 4, atMs: moment.nowMs },
  };
}

/** One step of a session's machine. Effects are to be done in their order. */
export function serverStep(state: ServerState, event: ServerEvent): ServerStep {
  if (state.phase === 'closed') return [state, []];
  const { nowMs } = event;
  switch (event.kind) {
    case 'heard':
      return [heard(state, nowMs), []];
    case 'message':
      return takeMessage(heard(state, nowMs), event.message, nowMs);
    case 'malformed':
      return takeMalformed(heard(state, nowMs), event.fault);
    case 'admit':
      return state.phase === 'deciding' ? admit(state, event.view, nowMs) : [state, []];
    case 'refuse': {
      const [closed, effects] = close(state, closeCodes.auth, event.refusal.code);
      return [closed, [errorEffect('hello', event.refusal), ...effects]];
    }
    case 'view':
      return takeView(state, event.view, nowMs);
    case 'answer': {
      const next = settleRequest(state, event.ref, event.message.t);
      return [next, [{ kind: 'send', message: event.message }]];
    }
    case 'tick':
      return tick(state, event);
    case 'closed':
      return [{ ...state, phase: 'closed' }, []];
    default:
      return unreachable(event);
  }
}

function takeMessage(state: ServerState, message: ClientMessage, nowMs: number): ServerStep {
  const { phase } = state;
  if (message.t === 'csr' && phase !== 'greeting') return takeCsr(state, message, nowMs);
  if (phase === 'joining') return deny(state, message.t);
  if (message.t === 'hello') return takeHello(state, message);
  if (phase === 'greeting') return close(state, closeCodes.protocol, 'hello must come first');
  switch (message.t) {
    case 'ack':
      return takeAck(state, message, nowMs);
    case 'resync':
      return takeResync(state, message, nowMs);
    case 'lease':
      return takeLease(state, message);
    case 'csr':
      return takeCsr(state, message, nowMs);
    case 'stat':
      return takeStat(state, message, nowMs);
    case 'leave':
      return takeLeave(state, message);
    default:
      return unreachable(message);
  }
}

function takeHello(state: ServerState, hello: Hello): ServerStep {
  if (state.phase !== 'greeting') return close(state, closeCodes.protocol, 'a second hello');
  const { have, caps, sub } = hello;
  const next = { ...state, node: nodeInfo(hello.node), have, caps, subs: sub };
  return [{ ...next, phase: 'deciding' }, [{ kind: 'hello' }]];
}

function deny(state: ServerState, t: string): ServerStep {
  const msg = 'a session without certificate may send nothing but csr';
  const [closed, effects] = close(state, closeCodes.auth, 'csr only');
  return [
    closed,
    [errorEffect(t === 'hello' ? t : 'message', { code: 'DENIED', msg }), ...effects],
  ];
}

/** A request that makes no sense is answered; what the session itself depends on ends it. */
function takeMalformed(state: ServerState, fault: DecodeFault): ServerStep {
  const count = { kind: 'count', counter: 'malformed' } as const;
  const malformedCount = state.malformedCount + 1;
  const msg = fault.path === '' ? fault.msg : `${fault.path}: ${fault.msg}`;
  const error = errorEffect(fault.ref, { code: 'MALFORMED', msg });
  const isRequest = ['lease', 'csr', 'leave', 'stat'].includes(fault.t);
  if (isRequest && state.phase === 'live' && malformedCount <= malformedCountMax) {
    return [{ ...state, malformedCount }, [count, error]];
  }
  const [closed, effects] = close(state, closeCodes.protocol, fault.code);
  return [closed, [count, error, ...effects]];
}

function tick(state: ServerState, moment: Moment): ServerStep {
  const { phase, inflight, options } = state;
  const { nowMs } = moment;
  if (nowMs >= options.expiresAtMs) return close(state, closeCodes.auth, expiredReason);
  if (nowMs >= state.untilMs) {
    if (phase === 'hold') return close(state, closeCodes.behind, 'this server is behind');
    const isJoining = phase === 'joining';
    const code = isJoining ? closeCodes.auth : closeCodes.protocol;
    return close(state, code, isJoining ? 'joining took too long' : 'no hello in time');
  }
  if (inflight !== null && nowMs >= inflight.sentAtMs + options.ackTimeoutMs) {
    const [closed, effects] = close(state, closeCodes.ackTimeout, 'no ack in time');
    return [closed, [{ kind: 'count', counter: 'ackTimeout' }, ...effects]];
  }
  const pulse = beat(state.heartbeat, moment);
  if (pulse.kind === 'dead') {
    const reason = 'nothing heard for 1.8 heartbeats';
    return [
      { ...state, phase: 'closed' },
      [
        { kind: 'count', counter: 'heartbeatLost' },
        { kind: 'terminate', reason },
      ],
    ];
  }
  if (pulse.kind === 'quiet') return sendDue(state, nowMs);
  const [next, effects] = sendDue({ ...state, heartbeat: pulse.next }, nowMs);
  return [next, [{ kind: 'ping' }, ...effects]];
}

function close(state: ServerState, code: CloseCode, reason: string): ServerStep {
  return [{ ...state, phase: 'closed' }, [{ kind: 'close', code, reason }]];
}

function heard(state: ServerState, nowMs: number): ServerState {
  return { ...state, heartbeat: hear(state.heartbeat, nowMs) };
}
