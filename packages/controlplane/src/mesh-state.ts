/**
 * The one writer: what users wrote and which instances there are, compiled to the view that every
 * proxy is to hold, and committed as one revision at a time.
 *
 *   change ─▶ compile (pure) ─▶ commit: objects, instances, marks ─▶ swap the view ─▶ tell the push server
 *
 * Guarantees: the view always is what the last revision compiles to; a change that compiles to the
 * same content moves no resource version; changes to instances that come in while a commit is under way
 * go into the next one together. A commit that fails changes nothing, and instances are tried again.
 */
import type { Resource } from '@leno/config';
import { type Clock, err, ok, type Result, type Timers } from '@leno/std';
import {
  advanceMarks,
  type Compiled,
  type Mark,
  type MarkChanges,
  markChanges,
  versioned,
} from './compile/compiled.ts';
import {
  type MeshObject,
  type ObjectRef,
  objectKey,
  objectValue,
  type StoredObject,
  storedObject,
} from './mesh-object.ts';
import { Instance, serviceKey } from './registry/instance.ts';
import type { Registry, UnsavedInstance } from './registry/registry.ts';
import { SerialQueue } from './serial-queue.ts';
import type {
  Conflict,
  Expectation,
  Head,
  Json,
  RowChange,
  Store,
  StoreState,
} from './store/store.ts';

/** How urgently proxies are to be told (push protocol R4). */
export type Urgency = 'urgent' | 'added' | 'normal';

/** What every proxy is to hold. */
export interface MeshView extends Head {
  readonly digest: string;
  readonly resources: readonly Resource[];
}

/** A change to what users wrote. */
export type ObjectChange =
  | { readonly kind: 'put'; readonly object: MeshObject }
  | { readonly kind: 'del'; readonly ref: ObjectRef };

/** Changes that happen together or not at all. */
export interface ObjectTxn {
  readonly changes: readonly ObjectChange[];
  /** The resource versions that must still be in force, by object key; 0 for "absent". */
  readonly expect: ReadonlyMap<string, number>;
  /** Small state of whoever commits, written in the same transaction. */
  readonly notes?: readonly { readonly key: string; readonly value: Json | undefined }[];
  readonly author: string;
  readonly reason: string;
}

/** What a view is compiled from. */
export interface CompileInput {
  /** In the order of their keys. */
  readonly objects: readonly StoredObject[];
  /** In the order of their ids. */
  readonly instances: readonly Instance[];
  /**
   * Services (`namespace/name`) that nobody wrote and that have no instance now, but had one not
   * long ago: they go on to exist, so that their callers hear "no endpoint" and not "no such service".
   */
  readonly vacant: readonly string[];
}

/** What the state is made of. */
export interface MeshStateOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** Pure: the same input gives the same resources. */
  compile(input: CompileInput): readonly Compiled[];
  /** Digest of a view's resources. */
  digest(resources: readonly Resource[]): string;
  readonly clock: Clock;
  readonly timers: Timers;
  /** How long a service without object and instance is remembered. Default 10 min. */
  readonly vacancyMs?: number;
  readonly on?: MeshStateListeners;
}

/** What the state tells its owner; called synchronously, and must not throw. */
export interface MeshStateListeners {
  /** The view has a new version. */
  headAdvanced?(urgency: Urgency): void;
  instances?(changes: readonly UnsavedInstance[]): void;
  /** A commit failed; it is tried again after a second. */
  commitFailed?(thrown: unknown): void;
}

const retryMs = 1_000;
const vacancyDefaultMs = 600_000;
const serviceMark = 'service/';

/** See the head of this file. Made by `MeshState.open`. */
export class MeshState {
  readonly registry: Registry;
  readonly #options: MeshStateOptions;
  readonly #queue = new SerialQueue();
  #objects: ReadonlyMap<string, StoredObject>;
  #notes: ReadonlyMap<string, Json>;
  #marks: ReadonlyMap<string, Mark>;
  /** Since when (monotonic) each remembered service has been without object and instance. */
  #vacantSince: ReadonlyMap<string, number> = new Map();
  #view: MeshView;
  #flushing: Promise<void> | undefined;
  #expiry: { cancel(): void } | undefined;
  #closed = false;

  private constructor(options: MeshStateOptions, state: StoreState) {
    this.#options = options;
    this.registry = options.registry;
    const rowsOf = (space: string) => state.rows.filter((it) => it.space === space);
    this.#objects = new Map(rowsOf('object').map((it) => [it.key, storedObject(it)]));
    this.#notes = new Map(rowsOf('note').map((it) => [it.key, it.value]));
    this.#marks = new Map(
      rowsOf('mark').map(({ key, value, version }) => [
        key,
        { hash: typeof value === 'string' ? value : '', version },
      ]),
    );
    // Kept by an older release in another form: left out rather than refused; their proxies will be back.
    const known = rowsOf('instance').flatMap((it) => Instance.safeParse(it.value).data ?? []);
    this.registry.restore(known, options.clock.nowMs());
    this.#view = this.#viewAt(state, this.#compile(this.#objects), this.#marks);
  }

  /** Loads what the store holds and, if it compiles to something else than before, commits that. */
  static async open(options: MeshStateOptions): Promise<MeshState> {
    const state = new MeshState(options, await options.store.load());
    await state.#queue.run(() => state.#commit({ ...emptyTxn, reason: 'recompiled at start' }));
    state.#armExpiry();
    return state;
  }

  /** What every proxy is to hold now. */
  get view(): MeshView {
    return this.#view;
  }

  /** What users wrote, by key `Kind/namespace/name`. */
  get objects(): ReadonlyMap<string, StoredObject> {
    return this.#objects;
  }

  /** Small state that was committed with objects. */
  get notes(): ReadonlyMap<string, Json> {
    return this.#notes;
  }

  /** Services that are remembered though they have neither object nor instance. */
  get vacant(): readonly string[] {
    return [...this.#vacantSince.keys()].toSorted();
  }

  /**
   * Commits changes to objects. A put of what is there already is left out; if nothing remains, no
   * revision is made and the present head comes back. Rejects with `StoreError`.
   */
  commitObjects(txn: ObjectTxn): Promise<Result<Head, Conflict>> {
    return this.#queue.run(() => this.#commit(txn));
  }

  /** What the objects would be after `changes`: for analysis before a commit. */
  preview(changes: readonly ObjectChange[]): ReadonlyMap<string, StoredObject> {
    return this.#nextObjects(changes, this.#view.version + 1).objects;
  }

  /** To be called after anything was done to the registry: saves and publishes it. */
  registryChanged(evenIfSaved = false): Promise<void> {
    this.#armExpiry();
    const isDue = evenIfSaved || this.registry.hasUnsaved;
    if (this.#closed || !isDue) return this.#flushing ?? Promise.resolve();
    this.#flushing ??= this.#flush();
    return this.#flushing;
  }

  /** Stops timers and waits for what is under way. Instances stay in the store as they are. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#expiry?.cancel();
    await this.#flushing;
    await this.#queue.run(() => Promise.resolve());
  }

  async #flush(): Promise<void> {
    do {
      try {
        await this.#queue.run(() => this.#commit({ ...emptyTxn, reason: 'instances' }));
      } catch (thrown) {
        this.#options.on?.commitFailed?.(thrown);
        await new Promise<void>((resolve) => {
          this.#options.timers.after(retryMs, resolve);
        });
      }
    } while (this.registry.hasUnsaved && !this.#closed);
    // In the same breath as the last look at the registry: what comes later starts a new flush.
    this.#flushing = undefined;
    this.#armExpiry();
  }

  async #commit(txn: ObjectTxn): Promise<Result<Head, Conflict>> {
    const conflict = this.#conflictOf(txn);
    if (conflict !== undefined) return err(conflict);
    const head: Head = { epoch: this.#view.epoch, version: this.#view.version };
    const next = this.#nextObjects(txn.changes, head.version + 1);
    const compiled = this.#compile(next.objects);
    const unsaved = this.registry.takeUnsaved();
    const marks = markChanges(compiled, this.#marks);
    const changes = [...next.rows, ...noteRows(txn), ...instanceRows(unsaved), ...markRows(marks)];
    if (changes.length === 0) return ok(head);
    const { store, clock, on } = this.#options;
    try {
      const { author, reason } = txn;
      const atMs = clock.wallMs();
      const done = await store.commit({ expect: expectations(txn), changes, atMs, author, reason });
      if (!done.ok) {
        this.registry.putBack(unsaved);
        return done;
      }
      this.#swap(done.value, { ...next, compiled, marks, txn });
      if (unsaved.length > 0) on?.instances?.(unsaved);
      on?.headAdvanced?.(urgencyOf(next.rows.length > 0, unsaved));
      return done;
    } catch (thrown) {
      this.registry.putBack(unsaved);
      throw thrown;
    }
  }

  #swap(
    head: Head,
    next: {
      readonly objects: ReadonlyMap<string, StoredObject>;
      readonly compiled: readonly Compiled[];
      readonly marks: MarkChanges;
      readonly txn: ObjectTxn;
    },
  ): void {
    this.#objects = next.objects;
    const notes = new Map(this.#notes);
    for (const { key, value } of next.txn.notes ?? []) {
      if (value === undefined) notes.delete(key);
      else notes.set(key, value);
    }
    this.#notes = notes;
    this.#marks = advanceMarks(this.#marks, next.marks, head.version);
    this.#view = this.#viewAt(head, next.compiled, this.#marks);
  }

  /** The store checks again; here it is checked before anything is compiled. */
  #conflictOf(txn: ObjectTxn): Conflict | undefined {
    for (const expected of expectations(txn)) {
      const found = this.#objects.get(expected.key)?.resourceVersion ?? 0;
      if (found !== expected.version) return { expected, found };
    }
    return undefined;
  }

  #nextObjects(changes: readonly ObjectChange[], version: number) {
    const objects = new Map(this.#objects);
    const rows: RowChange[] = [];
    for (const change of changes) {
      const key = objectKey(change.kind === 'put' ? change.object : change.ref);
      const before = objects.get(key);
      if (change.kind === 'del') {
        if (before === undefined) continue;
        objects.delete(key);
        rows.push({ kind: 'del', space: 'object', key });
        continue;
      }
      const { object } = change;
      if (before !== undefined && sameJson(before.object, object)) continue;
      const createdAtMs = before?.createdAtMs ?? this.#options.clock.wallMs();
      objects.set(key, { object, createdAtMs, resourceVersion: version });
      rows.push({ kind: 'put', space: 'object', key, value: objectValue(object, createdAtMs) });
    }
    return { objects, rows };
  }

  #compile(objects: ReadonlyMap<string, StoredObject>): readonly Compiled[] {
    const instances = this.registry.entries().map((it) => it.instance);
    const sorted = [...objects].toSorted(([left], [right]) => (left < right ? -1 : 1));
    const vacant = this.#vacantServices(objects, instances);
    return this.#options.compile({ objects: sorted.map(([, it]) => it), instances, vacant });
  }

  #vacantServices(
    objects: ReadonlyMap<string, StoredObject>,
    instances: readonly Instance[],
  ): readonly string[] {
    const { clock, vacancyMs = vacancyDefaultMs } = this.#options;
    const nowMs = clock.nowMs();
    const present = new Set(instances.map(serviceKey));
    const since = new Map<string, number>();
    for (const id of this.#marks.keys()) {
      const service = id.slice(serviceMark.length);
      if (!id.startsWith(serviceMark) || present.has(service)) continue;
      // One that was written is gone when it is deleted; only those that were never written linger.
      if (objects.has(`Service/${service}`) || this.#objects.has(`Service/${service}`)) continue;
      const sinceMs = this.#vacantSince.get(service) ?? nowMs;
      if (nowMs - sinceMs < vacancyMs) since.set(service, sinceMs);
    }
    this.#vacantSince = since;
    return [...since.keys()].toSorted();
  }

  #viewAt(head: Head, compiled: readonly Compiled[], marks: ReadonlyMap<string, Mark>): MeshView {
    const resources = versioned(compiled, marks);
    const { epoch, version } = head;
    return { epoch, version, digest: this.#options.digest(resources), resources };
  }

  /** One timer for what ends by time: leases, and the memory of services without instances. */
  #armExpiry(): void {
    this.#expiry?.cancel();
    const { clock, timers, vacancyMs = vacancyDefaultMs } = this.#options;
    const oldestVacancyMs = Math.min(...this.#vacantSince.values());
    const nextMs = Math.min(this.registry.nextExpiryMs(), oldestVacancyMs + vacancyMs);
    if (this.#closed || nextMs === Number.POSITIVE_INFINITY) return;
    this.#expiry = timers.after(Math.max(0, nextMs - clock.nowMs()), () => {
      this.registry.expire(clock.nowMs());
      const isVacancyOver = clock.nowMs() >= oldestVacancyMs + vacancyMs;
      void this.registryChanged(isVacancyOver);
    });
  }
}

const emptyTxn: ObjectTxn = { changes: [], expect: new Map(), author: 'registry', reason: '' };

function expectations(txn: ObjectTxn): Expectation[] {
  return [...txn.expect].map(([key, version]) => ({ space: 'object', key, version }));
}

function noteRows(txn: ObjectTxn): RowChange[] {
  return (txn.notes ?? []).map(({ key, value }) =>
    value === undefined
      ? { kind: 'del', space: 'note', key }
      : { kind: 'put', space: 'note', key, value },
  );
}

function instanceRows(unsaved: readonly UnsavedInstance[]): RowChange[] {
  return unsaved.map(({ id, instance }) =>
    instance === undefined
      ? { kind: 'del', space: 'instance', key: id }
      : { kind: 'put', space: 'instance', key: id, value: { ...instance } as unknown as Json },
  );
}

function markRows(marks: MarkChanges): RowChange[] {
  return [
    ...marks.put.map(
      ({ id, hash }): RowChange => ({ kind: 'put', space: 'mark', key: id, value: hash }),
    ),
    ...marks.del.map((id): RowChange => ({ kind: 'del', space: 'mark', key: id })),
  ];
}

function urgencyOf(hasObjects: boolean, unsaved: readonly UnsavedInstance[]): Urgency {
  const isDown = unsaved.some((it) => it.instance === undefined || it.instance.health !== 'ready');
  if (isDown) return 'urgent';
  return hasObjects || unsaved.length === 0 ? 'normal' : 'added';
}

/** Whether two objects say the same, whatever the order of their members. */
function sameJson(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object') return false;
  if (left === null || right === null || Array.isArray(left) !== Array.isArray(right)) return false;
  const [ours, theirs] = [Object.entries(left), new Map(Object.entries(right))];
  if (ours.length !== theirs.size) return false;
  return ours.every(([name, value]) => theirs.has(name) && sameJson(value, theirs.get(name)));
}
