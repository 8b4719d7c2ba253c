/** What is written down of each call: a line of the access log, and a decision record. */
import type { Clock } from '@leno/std';
import type { AccessEntry, AccessLog, EndpointNote, FlightRecorder } from '@leno/telemetry';
import type { Call } from '../call.ts';
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
    const query = call.head.target.indexOf('?');
    this.recorder.record(
      {
        requestId: call.requestId,
        traceId: call.traceId,
        startedAtWallMs: this.#clock.wallMs() - durationMs,
        durationMs,
        dir: call.direction,
        method: call.head.method,
        authority: call.head.authority,
        path: query < 0 ? call.head.target : call.head.target.slice(0, query),
        peer: call.peerName,
        identity: call.exchange.peer.identity,
        route:
          call.rule === undefined
            ? undefined
            : { name: call.rule.routeName, rule: call.rule.rule.name ?? '' },
        revision: { epoch: call.table.epoch, version: call.table.version },
        endpoints: endpointNotes(call, nowMs),
        attempts: call.tries,
        notRetriedBecause: call.notRetriedBecause,
        status: call.status,
        reason: call.reason,
        outcome: failed ? 'failure' : 'success',
      },
      nowMs,
    );
  }
}

function endpointNotes(call: Call, nowMs: number): readonly EndpointNote[] {
  const { cluster } = call;
  if (cluster === undefined) return [];
  const scores = cluster.explain(nowMs);
  const all = cluster.endpoints;
  // The common case: few, in the order in which the balancer has them.
  if (all.length <= ENDPOINT_COUNT_MAX) {
    return all.map((endpoint, index) => noteOf(endpoint, scores[index], nowMs));
  }
  const scoreOf = new Map(scores.map((score) => [score.id, score]));
  const tried = new Set(call.tries.map(({ endpointId }) => endpointId));
  const shown = [
    ...all.filter(({ id }) => tried.has(id)),
    ...all.filter(({ id }) => !tried.has(id)),
  ];
  return shown
    .slice(0, ENDPOINT_COUNT_MAX)
    .map((endpoint) => noteOf(endpoint, scoreOf.get(endpoint.id), nowMs));
}

function noteOf(
  { id, body, breaker }: Endpoint,
  scored: { readonly id: string; readonly score: number } | undefined,
  nowMs: number,
): EndpointNote {
  const state = breaker.stateAt(nowMs);
  const note: Writable<EndpointNote> = {
    id,
    address: `${body.address}:${body.port}`,
    breaker: state,
  };
  if (scored?.id === id) note.score = scored.score;
  if (state === 'open') note.excludedBy = 'its breaker is open';
  return note;
}
