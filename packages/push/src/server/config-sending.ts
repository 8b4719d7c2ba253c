/** The part of a session's machine that sends config and takes verdicts: R1, R2, R6, R7, R8. */
import type { Ack, Resync } from '../messages/client-messages.ts';
import { closeCodes } from '../messages/close-code.ts';
import { compareRevisions, type Have } from '../messages/revision.ts';
import type { Snapshot, Welcome } from '../messages/server-messages.ts';
import type { View } from '../messages/view.ts';
import { rejectedAfter, stillRejected, withoutRejected } from './rejected-bundles.ts';
import type { ServerEffect, ServerState, ServerStep } from './session-state.ts';

const holdMs = 2_000;
const markIntervalMs = 1_000;
const resyncCountMax = 3;
const rejectionBackoffMs = 1_000;
const rejectionBackoffMaxMs = 30_000;

/**
 * The owner admits the proxy. What it holds already is not sent again (L2); if it is ahead of this
 * server, or nothing is known to send yet, the session is held (R7).
 */
export function admit(state: ServerState, view: View | undefined, nowMs: number): ServerStep {
  const placed = { ...state, head: view ?? null };
  const mode = modeFor(placed);
  const { options } = state;
  const welcome: Welcome = {
    t: 'welcome',
    session: options.session,
    server: options.server,
    epoch: view?.epoch ?? 0,
    head: view?.version ?? 0,
    mode,
    heartbeatMs: options.heartbeatMs,
    ackTimeoutMs: options.ackTimeoutMs,
    // Sessions are not ended by age before they can be moved: a closed one takes leases with it.
    maxSessionMs: 0,
  };
  const effects: ServerEffect[] = [{ kind: 'send', message: welcome }];
  if (mode === 'hold') {
    const epoch = state.have?.epoch ?? 0;
    if (view !== undefined && epoch > view.epoch) effects.push({ kind: 'fence', epoch });
    effects.push({ kind: 'count', counter: 'held' });
    return [{ ...placed, phase: 'hold', untilMs: nowMs + holdMs }, effects];
  }
  const [next, more] = goLive(placed, nowMs);
  return [next, [...effects, ...more]];
}

/** What the proxy is to hold may be new: latest wins, and what is older than before is ignored. */
export function takeView(state: ServerState, view: View | undefined, nowMs: number): ServerStep {
  if (view === undefined) return [state, []];
  if (state.phase !== 'live' && state.phase !== 'hold') return [state, []];
  if (state.head !== null && compareRevisions(view, state.head) < 0) return [state, []];
  const next = { ...state, head: view };
  if (state.phase === 'live') return sendDue(next, nowMs);
  return modeFor(next) === 'hold' ? [next, []] : goLive(next, nowMs);
}

/**
 * A verdict. `acked` moves to what the proxy runs, refused bundles are remembered, and whatever has
 * changed meanwhile is sent (R2).
 */
export function takeAck(state: ServerState, ack: Ack, nowMs: number): ServerStep {
  const { inflight } = state;
  if (inflight === null || ack.nonce !== inflight.nonce) {
    return [state, [{ kind: 'count', counter: 'staleAck' }]];
  }
  const { epoch, version, digest, status, errors, applyMs } = ack;
  if (compareRevisions(ack, inflight.view) > 0) return closeAhead(state, epoch);
  const isWhat = compareRevisions(ack, inflight.view) === 0;
  const isExact = isWhat && digest === inflight.view.digest;
  if ((status === 'applied' && !isExact) || (status === 'partial' && !isWhat)) {
    return startOver(state, nowMs);
  }
  const rejectionCount = status === 'rejected' ? state.rejectionCount + 1 : 0;
  const settled = revisionOf(inflight.view);
  const next: ServerState = {
    ...state,
    inflight: null,
    acked: status === 'rejected' && state.acked === null ? null : { epoch, version, digest },
    settled,
    verdict: status,
    errors,
    applyMs,
    rejected: status === 'applied' ? [] : rejectedAfter(inflight.view, errors, state.rejected),
    rejectionCount,
    notBeforeMs: nowMs + backoffMs(rejectionCount),
    told: settled,
    resyncCount: status === 'applied' ? 0 : state.resyncCount,
  };
  const [last, effects] = sendDue(next, nowMs);
  return [last, [{ kind: 'acked', ack }, ...effects]];
}

/** The proxy could not use what it got: the whole view once more, but not without end. */
export function takeResync(state: ServerState, resync: Resync, nowMs: number): ServerStep {
  if (state.inflight === null || resync.nonce !== state.inflight.nonce) {
    return [state, [{ kind: 'count', counter: 'staleAck' }]];
  }
  return startOver(state, nowMs);
}

/** Sends what is due: a snapshot, a mark, or nothing. At most one config message is in flight. */
export function sendDue(state: ServerState, nowMs: number): ServerStep {
  const { head, inflight, settled, told } = state;
  if (state.phase !== 'live' || head === null || inflight !== null) return [state, []];
  const isSettled =
    settled !== null && settled.epoch === head.epoch && settled.digest === head.digest;
  if (!isSettled) return nowMs < state.notBeforeMs ? [state, []] : sendSnapshot(state, head, nowMs);
  const next = { ...state, settled: revisionOf(head) };
  // After a whole rejection the proxy runs something older: a mark would say otherwise.
  if (state.verdict === 'rejected' || nowMs < state.markNotBeforeMs) return [next, []];
  if (told !== null && compareRevisions(told, head) >= 0) return [next, []];
  const { epoch, version } = head;
  const marked = { ...next, told: { epoch, version }, markNotBeforeMs: nowMs + markIntervalMs };
  return [marked, [{ kind: 'send', message: { t: 'mark', epoch, version } }]];
}

function sendSnapshot(state: ServerState, view: View, nowMs: number): ServerStep {
  const nonce = state.nonce + 1;
  const rejected = stillRejected(view, state.rejected);
  const { resources, held } = withoutRejected(view, rejected);
  const { epoch, version, digest } = view;
  // The array is shared, not copied, so that its text is made once for all sessions.
  const base = { t: 'snapshot', nonce, epoch, version, digest } as const;
  const shared = resources as Snapshot['resources'];
  const message: Snapshot =
    held.length === 0
      ? { ...base, resources: shared }
      : { ...base, resources: shared, held: [...held] };
  const next = { ...state, nonce, rejected, inflight: { nonce, view, sentAtMs: nowMs } };
  return [next, [{ kind: 'send', message }]];
}

function modeFor(state: ServerState): Welcome['mode'] {
  const { have, head } = state;
  if (head === null) return 'hold';
  if (have === null) return 'snapshot';
  if (compareRevisions(have, head) > 0) return 'hold';
  return have.epoch === head.epoch && have.digest === head.digest ? 'current' : 'snapshot';
}

function goLive(state: ServerState, nowMs: number): ServerStep {
  const { have, head } = state;
  const live: ServerState = { ...state, phase: 'live', untilMs: Number.POSITIVE_INFINITY };
  if (modeFor(state) !== 'current' || head === null) {
    return sendDue({ ...live, acked: have }, nowMs);
  }
  const settled = revisionOf(head);
  // A held proxy was told nothing of use by its welcome, so that it needs the mark.
  const told = state.phase === 'hold' ? null : have;
  return sendDue({ ...live, acked: settled, settled, verdict: 'applied', told }, nowMs);
}

function startOver(state: ServerState, nowMs: number): ServerStep {
  const resyncCount = state.resyncCount + 1;
  const count = { kind: 'count', counter: 'resync' } as const;
  if (resyncCount > resyncCountMax) {
    const reason = 'the view could not be agreed on';
    return [
      { ...state, phase: 'closed' },
      [count, { kind: 'close', code: closeCodes.protocol, reason }],
    ];
  }
  const bare = { ...state, inflight: null, settled: null, rejected: [], resyncCount };
  const [next, effects] = sendDue(bare, nowMs);
  return [next, [count, ...effects]];
}

function closeAhead(state: ServerState, epoch: number): ServerStep {
  const effects: ServerEffect[] = [];
  if (state.head !== null && epoch > state.head.epoch) effects.push({ kind: 'fence', epoch });
  const reason = 'the proxy runs a newer revision';
  effects.push({ kind: 'close', code: closeCodes.behind, reason });
  return [{ ...state, phase: 'closed' }, effects];
}

/** One rejection may be cured at once; a proxy that refuses everything is asked ever more rarely. */
function backoffMs(rejectionCount: number): number {
  if (rejectionCount <= 1) return 0;
  return Math.min(rejectionBackoffMaxMs, rejectionBackoffMs * 2 ** Math.min(rejectionCount - 2, 8));
}

function revisionOf(view: View): Have {
  const { epoch, version, digest } = view;
  return { epoch, version, digest };
}
