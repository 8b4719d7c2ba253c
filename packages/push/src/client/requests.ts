/** The part of the client machine that asks: leases, certificates, leaving, figures. */
import type { LeaseInstance } from '../messages/lease.ts';
import type { ErrorMessage, LeftMessage, SvidMessage } from '../messages/server-messages.ts';
import type {
  ClientEffect,
  ClientState,
  ClientStep,
  LeaseEntry,
  PendingRequest,
} from './client-state.ts';

/** Keeps an instance registered from now on, over every session; the same id replaces. */
export function lease(
  state: ClientState,
  instance: LeaseInstance,
  ttlMs: number,
  nowMs: number,
): ClientStep {
  const others = state.leases.filter((it) => it.instance.id !== instance.id);
  if (others.length >= state.options.leaseCountMax) {
    const max = String(state.options.leaseCountMax);
    const refused = refusal(`lease:${instance.id}`, 'LIMIT', `at most ${max} instances`);
    return [state, [{ kind: 'count', counter: 'leaseRefused' }, refused]];
  }
  const entry: LeaseEntry = { instance, ttlMs, renewAtMs: renewAtMs(ttlMs, nowMs) };
  const next = { ...state, leases: [...others, entry] };
  return [next, state.phase.kind === 'live' ? [registration(entry)] : []];
}

/** Takes an instance back; unknown ids are ignored. */
export function dropLease(state: ClientState, id: string): ClientStep {
  const leases = state.leases.filter((it) => it.instance.id !== id);
  if (leases.length === state.leases.length) return [state, []];
  const isLive = state.phase.kind === 'live';
  return [
    { ...state, leases },
    isLive ? [{ kind: 'send', message: { t: 'lease', drop: id } }] : [],
  ];
}

/** On a new session: all instances, then what has waited to be asked. */
export function reregister(state: ClientState, nowMs: number): ClientStep {
  const leases = state.leases.map((it) => ({ ...it, renewAtMs: renewAtMs(it.ttlMs, nowMs) }));
  const [next, effects] = flushRequests({ ...state, leases });
  return [next, [...leases.map(registration), ...effects]];
}

/** Asks for a certificate; waits for a session if there is none. */
export function csr(state: ClientState, id: string, pem: string, nowMs: number): ClientStep {
  const request = { message: { t: 'csr', id, pem } as const, ref: `csr:${id}` };
  const [queued, effects] = enqueue(state, request, nowMs);
  const [next, more] = flushRequests(queued);
  return [next, [...effects, ...more]];
}

/**
 * Says that an instance goes; from now on it is not registered again. Refused at once without a
 * session: nobody could answer.
 */
export function leave(before: ClientState, instance: string, nowMs: number): ClientStep {
  const ref = `leave:${instance}`;
  const leases = before.leases.filter((it) => it.instance.id !== instance);
  const state = { ...before, leases };
  if (state.phase.kind !== 'live') return [state, [refusal(ref, 'LOST', 'there is no session')]];
  const [queued, effects] = enqueue(state, { message: { t: 'leave', instance }, ref }, nowMs);
  const [next, more] = flushRequests(queued);
  return [next, [...effects, ...more]];
}

/** Sends figures, or drops and counts them without a session. */
export function stat(state: ClientState, body: Readonly<Record<string, unknown>>): ClientStep {
  if (state.phase.kind !== 'live') return [state, [{ kind: 'count', counter: 'statDropped' }]];
  return [state, [{ kind: 'send', message: { t: 'stat', body: { ...body } } }]];
}

/** An answer came; one that nobody waits for any more is dropped. */
export function answered(state: ClientState, message: SvidMessage | LeftMessage): ClientStep {
  const ref = message.t === 'svid' ? `csr:${message.id}` : `leave:${message.instance}`;
  const requests = state.requests.filter((it) => it.ref !== ref);
  if (requests.length === state.requests.length) return [state, []];
  return [{ ...state, requests }, [{ kind: 'answered', message }]];
}

/** A request was refused. A lease that the server does not know is registered anew. */
export function refused(state: ClientState, message: ErrorMessage): ClientStep {
  const { ref, code, msg } = message;
  const known = state.leases.find((it) => `lease:${it.instance.id}` === ref);
  if (code === 'UNKNOWN_LEASE' && known !== undefined) return [state, [registration(known)]];
  const requests = state.requests.filter((it) => it.ref !== ref);
  return [{ ...state, requests, lastError: `${ref}: ${msg}` }, [refusal(ref, code, msg)]];
}

/** What is due by the clock: leases are renewed at a third of their time, old requests given up. */
export function tickRequests(state: ClientState, nowMs: number): ClientStep {
  const effects: ClientEffect[] = [];
  let leases = state.leases;
  if (state.phase.kind === 'live' && leases.some((it) => nowMs >= it.renewAtMs)) {
    leases = leases.map((it) => {
      if (nowMs < it.renewAtMs) return it;
      effects.push({ kind: 'send', message: { t: 'lease', renew: it.instance.id } });
      return { ...it, renewAtMs: renewAtMs(it.ttlMs, nowMs) };
    });
  }
  const late = state.requests.filter((it) => nowMs >= it.deadlineMs);
  for (const it of late) effects.push(refusal(it.ref, 'TIMEOUT', 'no answer in time'));
  const requests =
    late.length === 0 ? state.requests : state.requests.filter((it) => nowMs < it.deadlineMs);
  return [{ ...state, leases, requests }, effects];
}

/** Tells those who asked over a session that is gone. */
export function failSent(
  state: ClientState,
  requests: readonly PendingRequest[],
  reason: string,
): ClientStep {
  return [state, requests.map((it) => refusal(it.ref, 'LOST', reason))];
}

/** Sends what waits, as far as the phase allows: `csr` while joining or live, the rest live only. */
export function flushRequests(state: ClientState): ClientStep {
  const { kind } = state.phase;
  if (kind !== 'live' && kind !== 'joining') return [state, []];
  const effects: ClientEffect[] = [];
  const requests = state.requests.map((it) => {
    if (it.isSent || (kind === 'joining' && it.message.t !== 'csr')) return it;
    effects.push({ kind: 'send', message: it.message });
    return { ...it, isSent: true };
  });
  return effects.length === 0 ? [state, []] : [{ ...state, requests }, effects];
}

function enqueue(
  state: ClientState,
  request: Pick<PendingRequest, 'message' | 'ref'>,
  nowMs: number,
): ClientStep {
  const { requestCountMax, requestTimeoutMs } = state.options;
  if (state.requests.length >= requestCountMax) {
    const text = `at most ${String(requestCountMax)} requests may be unanswered`;
    return [
      state,
      [{ kind: 'count', counter: 'requestRefused' }, refusal(request.ref, 'LIMIT', text)],
    ];
  }
  if (state.requests.some((it) => it.ref === request.ref)) {
    return [state, []]; // Asked already: the one answer serves both.
  }
  const entry = { ...request, deadlineMs: nowMs + requestTimeoutMs, isSent: false };
  return [{ ...state, requests: [...state.requests, entry] }, []];
}

function registration(entry: LeaseEntry): ClientEffect {
  const { instance, ttlMs } = entry;
  return { kind: 'send', message: { t: 'lease', instance, ttlMs } };
}

function refusal(ref: string, code: string, msg: string): ClientEffect {
  return { kind: 'refused', ref, code, msg };
}

function renewAtMs(ttlMs: number, nowMs: number): number {
  return nowMs + ttlMs / 3;
}
