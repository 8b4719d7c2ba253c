/** What is written down of each call: a line of the access log, and a decision record. */
import type { Clock } from '@leno/std';
import {
  type AccessEntry,
  type AccessLog,
  type AttemptNote,
  type DecisionRecord,
  type EndpointNote,
  type FlightRecorder,
  grpcStatusName,
} from '@leno/telemetry';
import type { Call } from '../call.ts';
import { GRPC_NONE } from '../grpc/grpc-status.ts';
import { pathOf } from '../target.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import { isFailure } from './call-metrics.ts';

/** One in so many undisturbed successes leaves a decision record; failures and retries always do. */
const SUCCESS_EVERY = 16;

/** Endpoints that a record names: those that were tried, then others; thousands help nobody. */
const ENDPOINT_COUNT_MAX = 16;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** See the head of this file. */
export class CallJournal {
  readonly recorder: FlightRecorder;
  readonly #log: AccessLog;
  readonly #clock: Clock;
  #successCount = 0;
  // The log keeps nothing of an entry, so one serves all.
  readonly #entry: Writable<AccessEntry> = {
    startedAtWallMs: 0,
    durationMs: 0,
    dir: 'outbound',
    method: '',
    authority: '',
    path: '',
    status: 0,
    grpcStatus: GRPC_NONE,
    outcome: 'success',
    reason: '-',
    peer: '',
    route: '',
    endpoint: '-',
    attemptCount: 0,
    requestBytes: 0,
    responseBytes: 0,
    tls: 'none',
    requestId: '',
    traceId: '',
  };

  constructor(log: AccessLog, recorder: FlightRecorder, clock: Clock) {
    this.#log = log;
    this.recorder = recorder;
    this.#clock = clock;
  }

  /** Changes which lines the access log writes, from the next call. */
  configure(rates: { readonly successEvery: number; readonly slowMs: number }): void {
    this.#log.configure(rates);
  }

  /** Writes the lines that wait, before the process goes. */
  flush(): void {
    this.#log.flush();
  }

  /** A call has ended. */
  ended(call: Call, durationMs: number): void {
    const failed = isFailure(call);
    this.#fill(call, durationMs, failed);
    this.#log.record(this.#entry);
    if (failed || call.tryCount > 1 || this.#isSampled()) this.#record(call, durationMs, failed);
  }

  /** A connection of which only bytes are known has ended. */
  connectionEnded(entry: AccessEntry, record: DecisionRecord): void {
    this.#log.record(entry);
    const isKept = entry.outcome === 'failure' || entry.attemptCount > 1 || this.#isSampled();
    if (isKept) this.recorder.record(record, this.#clock.nowMs());
  }

  #isSampled(): boolean {
    this.#successCount += 1;
    if (this.#successCount < SUCCESS_EVERY) return false;
    this.#successCount = 0;
    return true;
  }

  #fill(call: Call, durationMs: number, failed: boolean): void {
    const entry = this.#entry;
    entry.startedAtWallMs = this.#clock.wallMs() - durationMs;
    entry.durationMs = durationMs;
    entry.dir = call.direction;
    entry.method = call.head.method;
    entry.authority = call.head.authority;
    entry.path = call.head.target;
    entry.status = call.status;
    entry.grpcStatus = call.grpcStatus;
    entry.outcome = failed ? 'failure' : 'success';
    entry.reason = call.reason ?? '-';
    entry.peer = call.peerName;
    entry.route = call.routeName;
    entry.endpoint = call.attempt?.endpoint.id ?? '-';
    entry.attemptCount = call.tryCount;
    entry.requestBytes = call.requestBytes;
    entry.responseBytes = call.responseBytes;
    entry.tls = call.transport === 'plain' ? 'none' : call.transport;
    entry.requestId = call.requestId;
    entry.traceId = call.traceId;
  }

  #record(call: Call, durationMs: number, failed: boolean): void {
    const nowMs = this.#clock.nowMs();
    this.recorder.record(
      {
        requestId: call.requestId,
        traceId: call.traceId,
        startedAtWallMs: this.#clock.wallMs() - durationMs,
        durationMs,
        dir: call.direction,
        method: call.head.method,
        authority: call.head.authority,
        path: pathOf(call.head.target),
        peer: call.peerName,
        identity: call.exchange.peer.identity,
        route:
          call.rule === undefined
            ? undefined
            : { name: call.rule.routeName, rule: call.rule.rule.name ?? '' },
        ...(call.access === undefined ? {} : { access: call.access }),
        revision: { epoch: call.table.epoch, version: call.table.version },
        endpoints: call.cluster === undefined ? [] : endpointNotes(call.cluster, call.tries, nowMs),
        attempts: call.tries,
        notRetriedBecause: call.notRetriedBecause,
        status: call.status,
        ...(call.isGrpc ? { grpcStatus: grpcStatusName(call.grpcStatus) } : {}),
        reason: call.reason,
        outcome: failed ? 'failure' : 'success',
      },
      nowMs,
    );
  }
}

/** What stood for and against each endpoint, those that were tried before others. */
export function endpointNotes(
  cluster: Cluster,
  tries: readonly AttemptNote[],
  nowMs: number,
): readonly EndpointNote[] {
  const scores = cluster.explain(nowMs);
  const notes: EndpointNote[] = [];
  for (const { id, body, breaker } of shownOf(cluster.endpoints, tries)) {
    const state = breaker.stateAt(nowMs);
    const score = scores.find((it) => it.id === id)?.score;
    notes.push({
      id,
      address: `${body.address}:${body.port}`,
      breaker: state,
      ...(score === undefined ? {} : { score }),
      ...(state === 'open' ? { excludedBy: 'its breaker is open' } : {}),
    });
  }
  return notes;
}

function shownOf(all: readonly Endpoint[], tries: readonly AttemptNote[]): readonly Endpoint[] {
  if (all.length <= ENDPOINT_COUNT_MAX) return all;
  const tried = new Set(tries.map(({ endpointId }) => endpointId));
  const first = all.filter(({ id }) => tried.has(id));
  return [...first, ...all.filter(({ id }) => !tried.has(id))].slice(0, ENDPOINT_COUNT_MAX);
}
