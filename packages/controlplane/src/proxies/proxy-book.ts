/**
 * The sidecars and gateways of the mesh, those that are connected and those that were: who they are, what
 * they run, and whether that is what they should run.
 */

import { HeadHistory } from './head-history.ts';
import type { ConfigError, ConfigPoint, ProxyNode, ProxySession } from './proxy-session.ts';

/** How a proxy stands to the head. Ages in milliseconds. */
export type ProxySync =
  /** Runs the head; since then. */
  | { readonly kind: 'synced'; readonly ageMs: number }
  /** Has not given its verdict on the head yet; since the first revision that it lacks. */
  | { readonly kind: 'pending'; readonly ageMs: number }
  /** Refused all or part of `version` and goes on with what it had. */
  | {
      readonly kind: 'rejected';
      readonly version: number;
      readonly ageMs: number;
      readonly errors: readonly ConfigError[];
    }
  /** Not connected; since then. */
  | { readonly kind: 'offline'; readonly ageMs: number };

/** A proxy as people see it. Stamps in milliseconds since 1970. */
export interface ProxyStatus {
  readonly id: string;
  /** `namespace/name`. */
  readonly service: string;
  readonly version: string;
  readonly zone: string | null;
  readonly build: string;
  readonly identity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sync: ProxySync;
  readonly config: ConfigPoint | null;
  readonly certNotAfterMs: number | null;
  readonly connectedSinceMs: number | null;
  readonly lastSeenMs: number;
  /** Ids of the instances that it keeps registered. */
  readonly instances: readonly string[];
  readonly proxy: ProxyFigures | null;
  readonly rps: number;
  /** From the commit of the configuration it runs to its word that it does. */
  readonly lagMs: number | null;
}

/** What a proxy says of itself. */
export interface ProxyFigures {
  readonly rssMiB: number;
  readonly cpuRatio: number;
}

/** Times and bounds; all have defaults. */
export interface ProxyBookOptions {
  /** How long a proxy that is gone is remembered. Default 10 min. */
  readonly offlineMs: number;
  /** Proxies that are remembered though gone; the one that left first is forgotten. Default 2,000. */
  readonly offlineCountMax: number;
}

interface Departed {
  readonly session: ProxySession;
  readonly node: ProxyNode;
  readonly lastSeenMs: number;
}

interface Report {
  readonly figures: ProxyFigures;
  readonly rps: number;
}

/** See the head of this file. */
export class ProxyBook {
  readonly #options: ProxyBookOptions;
  readonly #departed = new Map<string, Departed>();
  readonly #reports = new Map<string, Report>();
  readonly #certificates = new Map<string, number>();
  readonly history = new HeadHistory();
  #forgottenCount = 0;

  constructor(options: Partial<ProxyBookOptions> = {}) {
    this.#options = { offlineMs: 600_000, offlineCountMax: 2_000, ...options };
  }

  /** Departed proxies that were forgotten to keep the bound. */
  get forgottenCount(): number {
    return this.#forgottenCount;
  }

  /** What a session's proxy said of itself, and its requests since it last did. */
  reported(session: string, figures: ProxyFigures, requestCount: number): void {
    // Reports come once a second, so that a count is a rate.
    this.#reports.set(session, { figures, rps: requestCount });
  }

  /** Until when the certificate is good that a session came with or was given. */
  certified(session: string, notAfterMs: number): void {
    this.#certificates.set(session, notAfterMs);
  }

  /** A session is over; `open` are those that go on. Its proxy is offline unless one of those is its own. */
  closed(session: ProxySession, open: readonly ProxySession[], wallMs: number): void {
    this.#reports.delete(session.id);
    const { node } = session;
    if (node !== undefined && !open.some((it) => it.id !== session.id && it.node?.id === node.id)) {
      const before = this.#departed.get(node.id);
      if (before !== undefined) this.#certificates.delete(before.session.id);
      this.#departed.delete(node.id); // To the end of the order, so that it is forgotten last.
      this.#departed.set(node.id, { session, node, lastSeenMs: wallMs });
      this.#forget(wallMs);
    } else this.#certificates.delete(session.id);
  }

  /** Everybody, by id. `head` is what they should run. */
  list(open: readonly ProxySession[], head: ConfigPoint, wallMs: number): ProxyStatus[] {
    this.#forget(wallMs);
    const found = new Map<string, ProxyStatus>();
    for (const { session, node, lastSeenMs } of this.#departed.values()) {
      const sync: ProxySync = { kind: 'offline', ageMs: wallMs - lastSeenMs };
      found.set(node.id, this.#status(session, node, { sync, lastSeenMs, connected: false }));
    }
    for (const session of open) {
      const { node } = session;
      if (node === undefined) continue;
      const sync = this.syncOf(session, head, wallMs);
      found.set(
        node.id,
        this.#status(session, node, { sync, lastSeenMs: wallMs, connected: true }),
      );
    }
    return [...found.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
  }

  /** How an open session's proxy stands to the head. */
  syncOf(session: ProxySession, head: ConfigPoint, wallMs: number): ProxySync {
    const { settled, verdict, errors, acked, ackedAtMs, connectedAtMs } = session;
    if (acked?.epoch === head.epoch && acked.digest === head.digest) {
      return { kind: 'synced', ageMs: age(wallMs, Math.max(ackedAtMs, connectedAtMs)) };
    }
    const isSettled = settled?.epoch === head.epoch && settled.version >= head.version;
    if (isSettled && (verdict === 'rejected' || verdict === 'partial')) {
      const { version } = settled;
      return { kind: 'rejected', version, ageMs: age(wallMs, ackedAtMs), errors };
    }
    if (isSettled) return { kind: 'synced', ageMs: age(wallMs, ackedAtMs) };
    const behindSince = this.history.firstAfter(settled?.version ?? 0) ?? connectedAtMs;
    return { kind: 'pending', ageMs: age(wallMs, Math.max(behindSince, connectedAtMs)) };
  }

  #status(
    session: ProxySession,
    node: ProxyNode,
    how: { readonly sync: ProxySync; readonly lastSeenMs: number; readonly connected: boolean },
  ): ProxyStatus {
    const { acked, ackedAtMs } = session;
    const report = this.#reports.get(session.id);
    const committedAtMs = acked === null ? undefined : this.history.reached(acked.version);
    const lagMs = committedAtMs === undefined || ackedAtMs === 0 ? null : ackedAtMs - committedAtMs;
    return {
      id: node.id,
      service: `${node.namespace}/${node.service}`,
      version: node.labels['version'] ?? '',
      zone: node.zone ?? null,
      build: node.build,
      identity: session.identity,
      labels: node.labels,
      sync: how.sync,
      config: acked,
      certNotAfterMs: this.#certificates.get(session.id) ?? null,
      connectedSinceMs: how.connected ? session.connectedAtMs : null,
      lastSeenMs: how.lastSeenMs,
      instances: how.connected ? session.leases : [],
      proxy: report?.figures ?? null,
      rps: report?.rps ?? 0,
      // A proxy that connected later than the commit says nothing of how long a push takes.
      lagMs: (committedAtMs ?? 0) < session.connectedAtMs ? null : lagMs,
    };
  }

  #forget(wallMs: number): void {
    for (const [id, { session, lastSeenMs }] of this.#departed) {
      const isOver = wallMs - lastSeenMs >= this.#options.offlineMs;
      const isTooMany = this.#departed.size > this.#options.offlineCountMax;
      if (!isOver && !isTooMany) return;
      if (!isOver) this.#forgottenCount += 1;
      this.#departed.delete(id);
      this.#certificates.delete(session.id);
    }
  }
}

function age(wallMs: number, sinceMs: number): number {
  return Math.max(0, wallMs - sinceMs);
}
