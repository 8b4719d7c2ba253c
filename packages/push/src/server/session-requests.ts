/** The part of a session's machine that passes requests on, within bounds: leases, csr, leave, stat. */
import type { Csr, Leave, Stat } from '../messages/client-messages.ts';
import { type LeaseMessage, leaseCommand } from '../messages/lease.ts';
import type { Refusal } from '../messages/server-messages.ts';
import { takeToken } from '../token-bucket.ts';
import type { ServerCounter, ServerEffect, ServerState, ServerStep } from './session-state.ts';

/** Certificates per second and session, and in a burst. */
const csrRate = { perSecond: 1, burst: 4 };

/** A lease goes to the registry; what this session has not registered cannot be renewed on it. */
export function takeLease(state: ServerState, message: LeaseMessage): ServerStep {
  const lease = leaseCommand(message);
  const id = lease.kind === 'register' ? lease.instance.id : lease.id;
  const ref = `lease:${id}`;
  const isKnown = state.leases.includes(id);
  if (lease.kind === 'drop') {
    if (!isKnown) return [state, []];
    const leases = state.leases.filter((it) => it !== id);
    return [{ ...state, leases }, [{ kind: 'lease', lease }]];
  }
  if (isKnown) return [state, [{ kind: 'lease', lease }]];
  if (lease.kind === 'renew') {
    const msg = 'this session has not registered that instance';
    return [state, [errorEffect(ref, { code: 'UNKNOWN_LEASE', msg })]];
  }
  const { leaseCountMax } = state.options;
  if (state.leases.length >= leaseCountMax) {
    const msg = `at most ${String(leaseCountMax)} instances on one session`;
    return refuse(state, ref, { code: 'LIMIT', msg }, 'leaseRefused');
  }
  return [{ ...state, leases: [...state.leases, id] }, [{ kind: 'lease', lease }]];
}

/** The owner has answered: an instance that was refused, or has left, is this session's no more. */
export function settleRequest(
  state: ServerState,
  ref: string,
  answer: 'svid' | 'left' | 'error',
): ServerState {
  const requests = state.requests.filter((it) => it !== ref);
  const gone = { svid: '', left: 'leave:', error: 'lease:' }[answer];
  const leases = gone === '' ? state.leases : state.leases.filter((id) => `${gone}${id}` !== ref);
  return { ...state, requests, leases };
}

/** A certificate request goes to the authority, a few per session at most. */
export function takeCsr(state: ServerState, message: Csr, nowMs: number): ServerStep {
  const ref = `csr:${message.id}`;
  const csrs = takeToken(state.csrs, csrRate, nowMs);
  if (csrs === undefined) {
    return refuse(state, ref, { code: 'RATE', msg: 'too many certificates' }, 'requestRefused');
  }
  const { id, pem } = message;
  return request({ ...state, csrs }, ref, { kind: 'csr', ref, id, pem });
}

/** A leave goes to the registry; its answer may take until every proxy has let go. */
export function takeLeave(state: ServerState, message: Leave): ServerStep {
  const ref = `leave:${message.instance}`;
  if (!state.leases.includes(message.instance)) {
    const msg = 'this session has not registered that instance';
    return [state, [errorEffect(ref, { code: 'UNKNOWN_LEASE', msg })]];
  }
  return request(state, ref, { kind: 'leave', ref, instance: message.instance });
}

/** Figures are dropped above the rate, and counted: nobody waits for an answer. */
export function takeStat(state: ServerState, message: Stat, nowMs: number): ServerStep {
  const perSecond = state.options.statsPerSecond;
  const stats = takeToken(state.stats, { perSecond, burst: 5 * perSecond }, nowMs);
  if (stats === undefined) return [state, [{ kind: 'count', counter: 'statDropped' }]];
  return [{ ...state, stats }, [{ kind: 'stat', body: message.body }]];
}

/** The message that refuses a request. */
export function errorEffect(ref: string, refusal: Refusal): ServerEffect {
  const code = refusal.code.slice(0, 64) || 'DENIED';
  const msg = refusal.msg.slice(0, 2_000);
  return { kind: 'send', message: { t: 'error', ref: ref.slice(0, 300), code, msg } };
}

function request(state: ServerState, ref: string, effect: ServerEffect): ServerStep {
  const { requestCountMax } = state.options;
  if (state.requests.includes(ref)) return [state, []]; // Being worked on: the one answer serves.
  if (state.requests.length >= requestCountMax) {
    const msg = `at most ${String(requestCountMax)} requests may be unanswered`;
    return refuse(state, ref, { code: 'LIMIT', msg }, 'requestRefused');
  }
  return [{ ...state, requests: [...state.requests, ref] }, [effect]];
}

function refuse(
  state: ServerState,
  ref: string,
  refusal: Refusal,
  counter: ServerCounter,
): ServerStep {
  return [state, [{ kind: 'count', counter }, errorEffect(ref, refusal)]];
}
