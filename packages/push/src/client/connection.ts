/** The part of the client machine that keeps a connection: attempts, greeting, heartbeat, loss. */
import { beat, hear, type Moment, startHeartbeat } from '../heartbeat.ts';
import { closeCodes } from '../messages/close-code.ts';
import { wireNode } from '../messages/node-info.ts';
import { compareRevisions } from '../messages/revision.ts';
import type { Welcome } from '../messages/server-messages.ts';
import type { ClientEffect, ClientState, ClientStep, StartHeld } from './client-state.ts';
import { reconnectDelayMs } from './reconnect-delay.ts';
import { failSent, reregister } from './requests.ts';

/** A close that says: the same proxy comes back at once, with a new certificate. */
export const restartReason = 'restart';

/** After this long a session counts as having been up; shorter ones are failures like any other. */
const upAfterMs = 5_000;

/** Starts from a last-known-good, or from nothing. */
export function start(state: ClientState, held: StartHeld | null, moment: Moment): ClientStep {
  if (state.phase.kind !== 'stopped') return [state, []];
  const { nowMs } = moment;
  const fresh = { ...state, failureCount: 0, outageSinceMs: nowMs };
  if (held === null || state.running !== null) return connect(fresh, nowMs);
  const { epoch, version, digest } = held;
  const running = { have: { epoch, version, digest }, resources: held.resources ?? [] };
  return connect({ ...fresh, running, lkgSinceMs: nowMs - (held.ageMs ?? 0) }, nowMs);
}

/** Ends the connection and stays away. */
export function stop(state: ClientState): ClientStep {
  const [rest, effects] = failSent({ ...state, requests: [] }, state.requests, 'stopped');
  const stopped: ClientState = { ...rest, phase: { kind: 'stopped' }, heartbeat: null };
  return [stopped, [...closing(state, 'stop'), ...effects]];
}

/** Connects anew at once, so that a new certificate is used; a stopped client stays stopped. */
export function restart(state: ClientState, nowMs: number): ClientStep {
  if (state.phase.kind === 'stopped') return [state, []];
  const sent = state.requests.filter((it) => it.isSent);
  const kept = { ...state, requests: state.requests.filter((it) => !it.isSent) };
  const [rest, failed] = failSent(kept, sent, 'session restarted');
  const [next, effects] = connect({ ...rest, failureCount: 0, heartbeat: null }, nowMs);
  return [next, [...closing(state, restartReason), ...failed, ...effects]];
}

/** The WebSocket is open: without a certificate only `csr` may follow, else `hello` opens. */
export function opened(state: ClientState, isJoining: boolean, moment: Moment): ClientStep {
  if (state.phase.kind !== 'connecting') return [state, []];
  const { nowMs } = moment;
  const heartbeat = startHeartbeat(state.options.heartbeatMs, moment);
  const heard = { ...state, heartbeat, lastContactMs: nowMs };
  if (isJoining) return [{ ...heard, phase: { kind: 'joining' } }, []];
  const greeting: ClientState = {
    ...heard,
    phase: { kind: 'greeting', untilMs: state.phase.untilMs },
    // A refusal may have had a passing cause, and the new session does not know of it: try again.
    outcome: state.outcome?.status === 'applied' ? state.outcome : null,
    queued: null,
  };
  const message = {
    t: 'hello',
    proto: 1,
    node: wireNode(state.options.node),
    have: state.running?.have ?? null,
    lkgAgeMs: state.lkgSinceMs === null ? 0 : Math.max(0, nowMs - state.lkgSinceMs),
  } as const;
  return [greeting, [{ kind: 'send', message: { ...message, sub: [], caps: [] } }]];
}

/** The session is open; instances are registered anew. */
export function welcomed(state: ClientState, welcome: Welcome, moment: Moment): ClientStep {
  if (state.phase.kind !== 'greeting') return breakOff(state, 'a second welcome', moment);
  const { session, mode, epoch, head } = welcome;
  const heartbeat = startHeartbeat(welcome.heartbeatMs, moment);
  const live: ClientState = {
    ...state,
    heartbeat,
    phase: { kind: 'live', session, mode, sinceMs: moment.nowMs },
    head: { epoch, version: head },
    lastError: '',
  };
  // A server that holds is behind this proxy: its head says nothing about being current.
  const isAhead = mode === 'hold' && state.head !== null;
  const known = isAhead && compareRevisions(live.head ?? state.head, state.head) < 0;
  return reregister(known ? { ...live, head: state.head } : live, moment.nowMs);
}

/** The connection is gone, or never came to be. */
export function lost(
  state: ClientState,
  loss: { readonly reason: string; readonly retryAfterMs?: number },
  moment: Moment,
): ClientStep {
  const { phase } = state;
  if (phase.kind === 'stopped' || phase.kind === 'waiting') return [state, []];
  const { nowMs, random } = moment;
  const wasUp = phase.kind === 'live' && nowMs - phase.sinceMs >= upAfterMs;
  const failureCount = wasUp ? 0 : state.failureCount + 1;
  const outageSinceMs = wasUp ? nowMs : state.outageSinceMs;
  const outageMs = nowMs - outageSinceMs;
  const retryAfterMs = loss.retryAfterMs ?? 0;
  const untilMs = nowMs + reconnectDelayMs({ failureCount, outageMs, random, retryAfterMs });
  const sent = state.requests.filter((it) => it.isSent);
  const waiting: ClientState = {
    ...state,
    phase: { kind: 'waiting', untilMs },
    heartbeat: null,
    requests: state.requests.filter((it) => !it.isSent),
    failureCount,
    outageSinceMs,
    lastError: loss.reason,
  };
  return failSent(waiting, sent, loss.reason);
}

/** What is due by the clock: an attempt, giving one up, a ping, or a connection that is dead. */
export function tickConnection(state: ClientState, moment: Moment): ClientStep {
  const { phase, heartbeat } = state;
  const { nowMs } = moment;
  if (phase.kind === 'waiting') {
    return nowMs < phase.untilMs ? [state, []] : connect(state, nowMs);
  }
  if ('untilMs' in phase && nowMs >= phase.untilMs) {
    return abandon(state, `no session within ${String(state.options.connectTimeoutMs)} ms`, moment);
  }
  if (heartbeat === null) return [state, []];
  const pulse = beat(heartbeat, moment);
  if (pulse.kind === 'ping') return [{ ...state, heartbeat: pulse.next }, [{ kind: 'ping' }]];
  if (pulse.kind === 'quiet') return [state, []];
  return abandon(state, 'nothing heard for 1.8 heartbeats', moment);
}

/** Any frame came. */
export function heard(state: ClientState, nowMs: number): ClientState {
  if (state.heartbeat === null) return state;
  return { ...state, heartbeat: hear(state.heartbeat, nowMs), lastContactMs: nowMs };
}

/** Ends a session whose other side does not keep to the protocol. */
export function breakOff(state: ClientState, reason: string, moment: Moment): ClientStep {
  const [next, effects] = lost(state, { reason }, moment);
  return [next, [{ kind: 'close', code: closeCodes.protocol, reason }, ...effects]];
}

function abandon(state: ClientState, reason: string, moment: Moment): ClientStep {
  const [next, effects] = lost(state, { reason }, moment);
  return [next, [{ kind: 'terminate', reason }, ...effects]];
}

function connect(state: ClientState, nowMs: number): ClientStep {
  const untilMs = nowMs + state.options.connectTimeoutMs;
  return [{ ...state, phase: { kind: 'connecting', untilMs } }, [{ kind: 'connect' }]];
}

function closing(state: ClientState, reason: string): readonly ClientEffect[] {
  const { kind } = state.phase;
  if (kind === 'stopped' || kind === 'waiting') return [];
  if (kind === 'connecting') return [{ kind: 'terminate', reason }];
  return [{ kind: 'close', code: closeCodes.normal, reason }];
}
