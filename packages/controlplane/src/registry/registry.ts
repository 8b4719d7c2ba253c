/**
 * Which instances there are, by leases that ride on push sessions.
 *
 *   register ──▶ live ──session closed cleanly──▶ grace ──time──▶ gone
 *                 │ ▲                               │
 *                 │ └────────── register ───────────┴───── suspect ◀── restored after a restart
 *                 └── drop · lease over · session lost ──▶ gone          └──time──▶ gone
 *
 * Guarantees: a lost session (a reset, a missed heartbeat) takes its instances out at once; a session that was
 * closed in good order leaves them for a short grace, so that a reconnect costs nobody an endpoint;
 * after a restart of the control plane everything stands as it was, under suspicion, until its
 * proxies are back or the grace is over. Another session that registers the same id takes it over.
 * Time comes in as `nowMs`; what changed comes out of `takeUnsaved`.
 */
import { assert, err, ok, type Result } from '@leno/std';
import type { Instance } from './instance.ts';

/** Times and bounds; all have defaults. */
export interface RegistryOptions {
  /** How long instances outlive a session that was closed in good order. Default 5 s. */
  readonly graceMs: number;
  /** How long restored instances wait for their proxies. Default 30 s. */
  readonly suspectMs: number;
  /** Instances in all; further ones are refused. Default 20,000. */
  readonly instanceCountMax: number;
}

/** The defaults of `RegistryOptions`. */
export const registryDefaults: RegistryOptions = {
  graceMs: 5_000,
  suspectMs: 30_000,
  instanceCountMax: 20_000,
};

/** Whether somebody vouches for an instance: its session, a grace, or only the memory of it. */
export type InstanceState = 'live' | 'grace' | 'suspect';

/** An instance and how it stands. */
export interface InstanceEntry {
  readonly instance: Instance;
  readonly state: InstanceState;
}

/** Why a lease command was refused. */
export interface LeaseRefusal {
  readonly code: 'LIMIT' | 'NOT_OWNED';
  readonly msg: string;
}

/** What became of an instance since it was last saved; `instance` undefined if it is gone. */
export interface UnsavedInstance {
  readonly id: string;
  readonly instance: Instance | undefined;
  /** In words for the log: `registered`, `lease expired`, … */
  readonly cause: string;
}

interface Entry {
  instance: Instance;
  state: InstanceState;
  /** The session that keeps it; undefined unless `live`. */
  session: string | undefined;
  ttlMs: number;
  untilMs: number;
}

/** See the head of this file. */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #unsaved = new Map<string, string>();
  #refusedCount = 0;

  constructor(options: Partial<RegistryOptions> = {}) {
    this.#options = { ...registryDefaults, ...options };
    assert(this.#options.instanceCountMax >= 1, 'instanceCountMax >= 1');
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many registrations met the bound. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** All of them, by id. */
  entries(): InstanceEntry[] {
    return [...this.#entries.values()]
      .map(({ instance, state }) => ({ instance, state }))
      .toSorted((left, right) => (left.instance.id < right.instance.id ? -1 : 1));
  }

  /** Takes over what an earlier process has known, as suspects. Not for ids that are there already. */
  restore(instances: readonly Instance[], nowMs: number): void {
    for (const instance of instances) {
      const { suspectMs } = this.#options;
      const untilMs = nowMs + suspectMs;
      const entry: Entry = { instance, state: 'suspect', session: undefined, ttlMs: 0, untilMs };
      this.#entries.set(instance.id, entry);
    }
  }

  /** Registers, or says anew what an instance is; it stands for `ttlMs`. */
  register(
    session: string,
    instance: Instance,
    ttlMs: number,
    nowMs: number,
  ): Result<undefined, LeaseRefusal> {
    const known = this.#entries.get(instance.id);
    if (known === undefined && this.#entries.size >= this.#options.instanceCountMax) {
      this.#refusedCount += 1;
      const msg = `the registry holds ${this.#options.instanceCountMax} instances, its bound`;
      return err({ code: 'LIMIT', msg });
    }
    if (known !== undefined && known.instance.identity !== instance.identity) {
      const msg = `instance ${instance.id} belongs to ${known.instance.identity}`;
      return err({ code: 'NOT_OWNED', msg });
    }
    const untilMs = nowMs + ttlMs;
    this.#entries.set(instance.id, { instance, state: 'live', session, ttlMs, untilMs });
    if (known === undefined) this.#unsaved.set(instance.id, 'registered');
    else if (!sameInstance(known.instance, instance)) {
      const { health } = instance;
      const cause = health === known.instance.health ? 'changed' : `reports ${health}`;
      this.#unsaved.set(instance.id, cause);
    }
    return ok(undefined);
  }

  /** Keeps an instance for another of its times. Refused if the session does not hold it. */
  renew(session: string, id: string, nowMs: number): Result<undefined, LeaseRefusal> {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.session !== session) return err(notOwned(id));
    entry.untilMs = nowMs + entry.ttlMs;
    return ok(undefined);
  }

  /** Takes an instance out at once. Refused if another session holds it; harmless if nobody does. */
  drop(session: string, id: string, cause = 'dropped'): Result<undefined, LeaseRefusal> {
    const entry = this.#entries.get(id);
    if (entry === undefined) return ok(undefined);
    if (entry.session !== session) return err(notOwned(id));
    this.#remove(id, cause);
    return ok(undefined);
  }

  /** The session is over. `clean`: both sides said so; else the peer is taken for dead. */
  sessionClosed(session: string, clean: boolean, nowMs: number): void {
    for (const [id, entry] of [...this.#entries]) {
      if (entry.session !== session) continue;
      if (!clean) this.#remove(id, 'its session ended');
      else {
        const untilMs = nowMs + this.#options.graceMs;
        this.#entries.set(id, { ...entry, state: 'grace', session: undefined, untilMs });
      }
    }
  }

  /** Takes out what is over at `nowMs`. */
  expire(nowMs: number): void {
    for (const [id, entry] of [...this.#entries]) {
      if (nowMs < entry.untilMs) continue;
      this.#remove(id, causeOfExpiry(entry.state));
    }
  }

  /** When `expire` is due next; Infinity if nothing waits. */
  nextExpiryMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#entries.values()) next = Math.min(next, untilMs);
    return next;
  }

  get hasUnsaved(): boolean {
    return this.#unsaved.size > 0;
  }

  /** What has changed since the last call; give it back with `putBack` if it could not be saved. */
  takeUnsaved(): UnsavedInstance[] {
    const taken = [...this.#unsaved].map(([id, cause]) => ({
      id,
      cause,
      instance: this.#entries.get(id)?.instance,
    }));
    this.#unsaved.clear();
    return taken;
  }

  /** Marks as unsaved again what was taken; newer changes of the same instances win. */
  putBack(taken: readonly UnsavedInstance[]): void {
    for (const { id, cause } of taken) if (!this.#unsaved.has(id)) this.#unsaved.set(id, cause);
  }

  #remove(id: string, cause: string): void {
    this.#entries.delete(id);
    this.#unsaved.set(id, cause);
  }
}

function notOwned(id: string): LeaseRefusal {
  return { code: 'NOT_OWNED', msg: `instance ${id} is not registered by this session` };
}

function causeOfExpiry(state: InstanceState): string {
  if (state === 'live') return 'its lease was not renewed';
  if (state === 'grace') return 'its proxy did not come back';
  return 'its proxy did not come back after the restart';
}

function sameInstance(left: Instance, right: Instance): boolean {
  return canonical(left) === canonical(right);
}

function canonical(instance: Instance): string {
  const { labels, ...rest } = instance;
  const sorted = Object.entries(labels).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const fields = Object.entries(rest).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([fields, sorted]);
}
