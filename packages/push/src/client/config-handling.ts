/** The part of the client machine that takes config messages: P1, P2, P3 and P8. */

import { type Resource, viewDigest } from '@leno/config';
import type { DecodeFault } from '../messages/codec.ts';
import { compareRevisions, type Have } from '../messages/revision.ts';
import type { Mark, Snapshot } from '../messages/server-messages.ts';
import type { ApplyError, ApplyResult } from '../messages/view.ts';
import type {
  Applying,
  ClientEffect,
  ClientPhase,
  ClientState,
  ClientStep,
  Outcome,
} from './client-state.ts';
import { mergeSnapshot, resourcesAfter } from './merge-view.ts';

type NamedResource = Pick<Resource, 'type' | 'name' | 'version'>;
type LivePhase = Extract<ClientPhase, { kind: 'live' }>;

/**
 * A snapshot: answered again if it is known or older than what runs (P3), asked for anew if its
 * content is not what its digest says (P2), else merged and given to `apply`.
 */
export function takeSnapshot(state: ClientState, snapshot: Snapshot): ClientStep {
  const { phase, running, outcome } = state;
  if (phase.kind !== 'live') return [state, []];
  if (state.applying !== null) return [{ ...state, queued: snapshot }, []];
  const { nonce, epoch, version, digest } = snapshot;
  const truth: Have = { epoch, version, digest };
  if (outcome !== null && isSame(outcome.truth, truth)) {
    return [state, [ack(state, nonce, outcome, 0)]];
  }
  if (running !== null) {
    const age = compareRevisions(truth, running.have);
    if (age < 0 || (age === 0 && digest === running.have.digest)) {
      const known: Outcome = { truth: running.have, status: 'applied', errors: [] };
      return [state, [{ kind: 'count', counter: 'staleSnapshot' }, ack(state, nonce, known, 0)]];
    }
  }
  // The digest counts types that this build does not know like any other.
  const named = [...snapshot.resources, ...(snapshot.held ?? [])] as readonly NamedResource[];
  if (viewDigest(named) !== digest) {
    const have = running?.have ?? null;
    const lastError = 'a snapshot was not what its digest says';
    return [
      { ...state, lastError },
      [
        { kind: 'count', counter: 'digestMismatch' },
        { kind: 'send', message: { t: 'resync', nonce, reason: 'digest', have } },
      ],
    ];
  }
  const merged = mergeSnapshot(snapshot, running?.resources ?? [], outcome?.errors ?? []);
  const applying = { nonce, session: phase.session, truth, ...merged };
  const view = { ...truth, resources: merged.resources };
  const next = { ...state, applying, head: { epoch, version }, phase: released(phase) };
  return [next, [{ kind: 'apply', view }]];
}

/** `apply` has given its verdict: what runs is replaced, and the server is told. */
export function takeVerdict(state: ClientState, result: ApplyResult, applyMs: number): ClientStep {
  const { applying, running, phase } = state;
  if (applying === null) return [state, []];
  const isPartial = result.status === 'partial' || applying.errors.length > 0;
  const status = result.status === 'applied' && isPartial ? 'partial' : result.status;
  const errors = clampErrors([...result.errors, ...applying.errors]);
  const outcome: Outcome = { truth: applying.truth, status, errors };
  const next = status === 'rejected' ? running : inForce(applying, running, result);
  const lkgSinceMs = status === 'rejected' ? state.lkgSinceMs : null;
  const settled = { ...state, applying: null, queued: null, running: next, lkgSinceMs, outcome };
  const effects: ClientEffect[] = [];
  if (phase.kind === 'live' && phase.session === applying.session) {
    effects.push(ack(settled, applying.nonce, outcome, applyMs));
  }
  if (next !== null && next !== running) {
    effects.push({ kind: 'running', view: { ...next.have, resources: next.resources } });
  }
  if (state.queued === null) return [settled, effects];
  const [last, more] = takeSnapshot(settled, state.queued);
  return [last, [...effects, ...more]];
}

/** What runs after a view was taken, whole or but for some bundles. */
function inForce(
  applying: Applying,
  running: ClientState['running'],
  result: ApplyResult,
): NonNullable<ClientState['running']> {
  const errors = result.status === 'partial' ? result.errors : [];
  const resources = resourcesAfter(applying.resources, running?.resources ?? [], errors);
  const { epoch, version } = applying.truth;
  // Not the digest of what was meant: a server that does not know of the refusals has to find out.
  return { have: { epoch, version, digest: viewDigest(resources) }, resources };
}

/** Nothing has changed in this proxy's scope up to the mark's version. */
export function takeMark(state: ClientState, mark: Mark): ClientStep {
  const { running, phase } = state;
  const { epoch, version } = mark;
  if (running === null || running.have.epoch !== epoch) return [state, []];
  if (version < running.have.version || phase.kind !== 'live') return [state, []];
  const next = { ...running, have: { ...running.have, version } };
  return [{ ...state, running: next, head: { epoch, version }, phase: released(phase) }, []];
}

/**
 * A config message that could not be read is refused like one that could not be applied, so that
 * the reason reaches its author; what runs stays.
 */
export function refuseMalformed(state: ClientState, nonce: number, fault: DecodeFault): ClientStep {
  const { path, msg } = fault;
  const error = { type: '', name: '', version: 0, code: 'MALFORMED', path, msg };
  // Which view it would have been is not known: this digest equals none.
  const truth = { epoch: 0, version: 0, digest: 'malformed' };
  const outcome: Outcome = { truth, status: 'rejected', errors: clampErrors([error]) };
  return [{ ...state, outcome, lastError: msg }, [ack(state, nonce, outcome, 0)]];
}

function ack(state: ClientState, nonce: number, outcome: Outcome, applyMs: number): ClientEffect {
  const { status } = outcome;
  const { epoch, version, digest } = runningHave(state);
  const errors = [...outcome.errors];
  return {
    kind: 'send',
    message: { t: 'ack', nonce, epoch, version, digest, status, errors, applyMs },
  };
}

function runningHave(state: ClientState): Have {
  return state.running?.have ?? { epoch: 0, version: 0, digest: viewDigest([]) };
}

/** The server has caught up with what this proxy runs. */
function released(phase: LivePhase): LivePhase {
  return phase.mode === 'hold' ? { ...phase, mode: 'current' } : phase;
}

function isSame(left: Have, right: Have): boolean {
  return compareRevisions(left, right) === 0 && left.digest === right.digest;
}

const errorCountMax = 256;

/** To the bounds of the message; what is cut is only text for people. */
function clampErrors(errors: readonly ApplyError[]): readonly ApplyError[] {
  return errors.slice(0, errorCountMax).map((it) => ({
    type: it.type.slice(0, 64),
    name: it.name.slice(0, 512),
    version: it.version,
    code: it.code.slice(0, 64) || 'INVALID',
    path: it.path.slice(0, 512),
    msg: it.msg.slice(0, 2_000),
  }));
}
