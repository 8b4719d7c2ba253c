/**
 * The proxy's end of the push protocol, as a pure function: what has happened goes in, what is to
 * be done comes out. It never does anything itself, reads no clock and draws no random number, so
 * that the same code runs over sockets, in the simulator and under a checker.
 *
 * It guarantees that what runs never goes back (S1), that every view is what its digest says (S2),
 * and that bundles are taken whole or not at all (S5); a session whose other side breaks the rules
 * is closed and the next one begins. Why stop-and-wait and whole views: push protocol §3, R1.
 */
import { unreachable } from '@leno/std';
import type { Moment } from '../heartbeat.ts';
import type { DecodeFault } from '../messages/codec.ts';
import type { ServerMessage } from '../messages/server-messages.ts';
import type { ClientEvent, ClientState, ClientStep } from './client-state.ts';
import { refuseMalformed, takeMark, takeSnapshot, takeVerdict } from './config-handling.ts';
import {
  breakOff,
  heard,
  lost,
  opened,
  restart,
  start,
  stop,
  tickConnection,
  welcomed,
} from './connection.ts';
import {
  answered,
  csr,
  dropLease,
  flushRequests,
  lease,
  leave,
  refused,
  stat,
  tickRequests,
} from './requests.ts';

/** One step of the client machine. Effects are to be done in their order. */
export function clientStep(state: ClientState, event: ClientEvent): ClientStep {
  const { nowMs } = event;
  switch (event.kind) {
    case 'start':
      return start(state, event.held, event);
    case 'stop':
      return stop(state);
    case 'restart':
      return restart(state, nowMs);
    case 'opened':
      return then(opened(state, event.isJoining, event), flushRequests);
    case 'lost':
      return lost(state, event, event);
    case 'heard':
      return [heard(state, nowMs), []];
    case 'message':
      return takeMessage(heard(state, nowMs), event.message, event);
    case 'malformed':
      return takeMalformed(heard(state, nowMs), event.fault, event);
    case 'applied':
      return takeVerdict(state, event.result, event.applyMs);
    case 'tick':
      return then(tickConnection(state, event), (next) => tickRequests(next, nowMs));
    case 'lease':
      return lease(state, event.instance, event.ttlMs, nowMs);
    case 'dropLease':
      return dropLease(state, event.id);
    case 'csr':
      return csr(state, event.id, event.pem, nowMs);
    case 'leave':
      return leave(state, event.instance, nowMs);
    case 'stat':
      return stat(state, event.body);
    default:
      return unreachable(event);
  }
}

function takeMessage(state: ClientState, message: ServerMessage, moment: Moment): ClientStep {
  const { kind } = state.phase;
  if (kind !== 'live' && kind !== 'joining' && kind !== 'greeting') return [state, []];
  const isConfig = message.t === 'snapshot' || message.t === 'mark';
  if (isConfig && kind !== 'live') return breakOff(state, `${message.t} before welcome`, moment);
  switch (message.t) {
    case 'welcome':
      return welcomed(state, message, moment);
    case 'snapshot':
      return takeSnapshot(state, message);
    case 'mark':
      return takeMark(state, message);
    case 'svid':
    case 'left':
      return answered(state, message);
    case 'error':
      return refused(state, message);
    default:
      return unreachable(message);
  }
}

/** A config message that can be named is refused by name; anything else ends the session. */
function takeMalformed(state: ClientState, fault: DecodeFault, moment: Moment): ClientStep {
  const count = { kind: 'count', counter: 'malformed' } as const;
  const isNumbered = fault.nonce !== undefined && state.phase.kind === 'live';
  const step = isNumbered
    ? refuseMalformed(state, fault.nonce, fault)
    : breakOff(state, `${fault.code}: ${fault.msg}`.slice(0, 120), moment);
  return [step[0], [count, ...step[1]]];
}

function then(step: ClientStep, next: (state: ClientState) => ClientStep): ClientStep {
  const [state, effects] = next(step[0]);
  return [state, [...step[1], ...effects]];
}
