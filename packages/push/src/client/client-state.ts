import type { Resource } from '@leno/config';
import { type Heartbeat, heartbeatWakeMs, type Moment } from '../heartbeat.ts';
import type { ClientMessage } from '../messages/client-messages.ts';
import type { DecodeFault } from '../messages/codec.ts';
import type { LeaseInstance } from '../messages/lease.ts';
import type { NodeInfo } from '../messages/node-info.ts';
import { compareRevisions, type Have, type Revision } from '../messages/revision.ts';
import type { ServerMessage, Snapshot, Welcome } from '../messages/server-messages.ts';
import type { ApplyError, ApplyResult, View } from '../messages/view.ts';

/** What never changes in a client machine. */
export interface ClientMachineOptions {
  readonly node: NodeInfo;
  readonly leaseCountMax: number;
  readonly requestCountMax: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly heartbeatMs: number;
}

/**
 *   stopped -> connecting -> greeting -> live
 *                 ^   \-> joining (no certificate yet: csr only)
 *              waiting <- whatever is lost
 */
export type ClientPhase =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | { readonly kind: 'connecting'; readonly untilMs: number }
  | { readonly kind: 'greeting'; readonly untilMs: number }
  | { readonly kind: 'joining' }
  | {
      readonly kind: 'live';
      readonly session: string;
      readonly mode: Welcome['mode'];
      readonly sinceMs: number;
    };

/** A verdict, and on what: the revision and digest of the view that the server meant. */
export interface Outcome {
  readonly truth: Have;
  readonly status: ApplyResult['status'];
  readonly errors: readonly ApplyError[];
}

/** A snapshot on its way through `apply`. */
export interface Applying {
  readonly nonce: number;
  readonly session: string;
  readonly truth: Have;
  /** What `apply` was given. */
  readonly resources: readonly Resource[];
  /** What was already wrong before: bundles that were held or had an unknown type. */
  readonly errors: readonly ApplyError[];
}

/** An instance that this client keeps registered. */
export interface LeaseEntry {
  readonly instance: LeaseInstance;
  readonly ttlMs: number;
  readonly renewAtMs: number;
}

/** A `csr` or `leave` that has no answer yet. */
export interface PendingRequest {
  readonly message: Extract<ClientMessage, { t: 'csr' | 'leave' }>;
  readonly ref: string;
  readonly deadlineMs: number;
  readonly isSent: boolean;
}

/** Everything that a client machine knows; plain data. */
export interface ClientState {
  readonly options: ClientMachineOptions;
  readonly phase: ClientPhase;
  readonly heartbeat: Heartbeat | null;
  /** What is in force. */
  readonly running: { readonly have: Have; readonly resources: readonly Resource[] } | null;
  /** Since when what runs is only a last-known-good of an earlier process; null if it is not. */
  readonly lkgSinceMs: number | null;
  readonly outcome: Outcome | null;
  readonly applying: Applying | null;
  /** The newest snapshot that came while another was applied. */
  readonly queued: Snapshot | null;
  /** The newest revision that the server has spoken of. */
  readonly head: Revision | null;
  readonly leases: readonly LeaseEntry[];
  readonly requests: readonly PendingRequest[];
  readonly failureCount: number;
  readonly outageSinceMs: number;
  readonly lastContactMs: number | null;
  readonly lastError: string;
}

/** What can happen to a client. */
export type ClientEvent = Moment &
  (
    | { readonly kind: 'start'; readonly held: StartHeld | null }
    | { readonly kind: 'stop' | 'restart' | 'heard' | 'tick' }
    | { readonly kind: 'opened'; readonly isJoining: boolean }
    | { readonly kind: 'lost'; readonly reason: string; readonly retryAfterMs?: number }
    | { readonly kind: 'message'; readonly message: ServerMessage }
    | { readonly kind: 'malformed'; readonly fault: DecodeFault }
    | { readonly kind: 'applied'; readonly result: ApplyResult; readonly applyMs: number }
    | { readonly kind: 'lease'; readonly instance: LeaseInstance; readonly ttlMs: number }
    | { readonly kind: 'dropLease'; readonly id: string }
    | { readonly kind: 'csr'; readonly id: string; readonly pem: string }
    | { readonly kind: 'leave'; readonly instance: string }
    | { readonly kind: 'stat'; readonly body: Readonly<Record<string, unknown>> }
  );

/** The last-known-good that a client starts from. */
export interface StartHeld extends Have {
  readonly ageMs?: number;
  readonly resources?: readonly Resource[];
}

/** What is counted; each is the metric of a bound or of a fault. */
export type ClientCounter =
  | 'leaseRefused'
  | 'requestRefused'
  | 'statDropped'
  | 'staleSnapshot'
  | 'digestMismatch'
  | 'malformed';

/** What a client wants done, in order. After `close` or `terminate` that connection is forgotten. */
export type ClientEffect =
  | { readonly kind: 'connect' | 'ping' }
  | { readonly kind: 'terminate'; readonly reason: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'send'; readonly message: ClientMessage }
  | { readonly kind: 'apply'; readonly view: View }
  | { readonly kind: 'running'; readonly view: View }
  | { readonly kind: 'answered'; readonly message: Extract<ServerMessage, { t: 'svid' | 'left' }> }
  | { readonly kind: 'refused'; readonly ref: string; readonly code: string; readonly msg: string }
  | { readonly kind: 'count'; readonly counter: ClientCounter };

/** A state, and what is to be done. */
export type ClientStep = readonly [ClientState, readonly ClientEffect[]];

/** A client that has not been started. */
export function createClientState(options: ClientMachineOptions): ClientState {
  return {
    options,
    phase: { kind: 'stopped' },
    heartbeat: null,
    running: null,
    lkgSinceMs: null,
    outcome: null,
    applying: null,
    queued: null,
    head: null,
    leases: [],
    requests: [],
    failureCount: 0,
    outageSinceMs: 0,
    lastContactMs: null,
    lastError: '',
  };
}

/** When the next `tick` is due; `Infinity` if none is. */
export function clientWakeMs(state: ClientState): number {
  const { phase, heartbeat, leases, requests } = state;
  let wakeMs = 'untilMs' in phase ? phase.untilMs : Number.POSITIVE_INFINITY;
  if (heartbeat !== null) wakeMs = Math.min(wakeMs, heartbeatWakeMs(heartbeat));
  if (phase.kind === 'live') for (const it of leases) wakeMs = Math.min(wakeMs, it.renewAtMs);
  for (const it of requests) wakeMs = Math.min(wakeMs, it.deadlineMs);
  return wakeMs;
}

/** How a client stands, for status pages and metrics. */
export interface ClientStatus {
  readonly kind: ClientPhase['kind'];
  readonly session: string | undefined;
  readonly mode: Welcome['mode'] | undefined;
  /** What is in force; null if nothing ever was. */
  readonly running: Have | null;
  readonly head: Revision | null;
  /** Whether a session is live and what runs is the newest that the server has spoken of. */
  readonly isCurrent: boolean;
  readonly verdict: ApplyResult['status'] | 'none';
  /** Of the last verdict. */
  readonly errors: readonly ApplyError[];
  /** By the client's own clock; null before the first. */
  readonly lastContactMs: number | null;
  readonly lastError: string;
  readonly failureCount: number;
}

const noErrors: readonly ApplyError[] = [];

/** Reads the status of a client. */
export function clientStatus(state: ClientState): ClientStatus {
  const { phase, running, head, outcome } = state;
  const isLive = phase.kind === 'live';
  return {
    kind: phase.kind,
    session: isLive ? phase.session : undefined,
    mode: isLive ? phase.mode : undefined,
    running: running?.have ?? null,
    head,
    isCurrent:
      isLive && running !== null && head !== null && compareRevisions(running.have, head) >= 0,
    verdict: outcome?.status ?? 'none',
    errors: outcome?.errors ?? noErrors,
    lastContactMs: state.lastContactMs,
    lastError: state.lastError,
    failureCount: state.failureCount,
  };
}
