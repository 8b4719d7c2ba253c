/**
 * Where changes to configuration come in, from the API and from a directory alike: checked as a
 * whole, committed as one revision, and told to whoever wants to know how it went.
 */
import type { Finding } from '@leno/config';
import type { Clock, Timers } from '@leno/std';
import { type ApplyAction, type ApplyPlan, actionOf, type ConfigText, planApply } from './apply.ts';
import type { EventLog } from './event-log.ts';
import { type ObjectRef, objectKey, type StoredObject } from './mesh-object.ts';
import type { MeshState, ObjectChange, ObjectTxn } from './mesh-state.ts';
import { awaitConvergence, type ConvergenceReport } from './proxies/convergence.ts';
import type { ProxySession } from './proxies/proxy-session.ts';
import type { Head } from './store/store.ts';

/** A change to configuration. */
export interface ConfigChange {
  readonly texts: readonly ConfigText[];
  /** Objects that are to go in the same revision. */
  readonly del?: readonly ObjectRef[];
  /** Resource versions that must still be in force, by object key; beside what documents ask for. */
  readonly expect?: ReadonlyMap<string, number>;
  readonly notes?: ObjectTxn['notes'];
  /** Checks and says what would happen; nothing is committed. */
  readonly dryRun?: boolean;
  /** Goes on in spite of findings: for removals that something else still refers to. */
  readonly force?: boolean;
  readonly author: string;
}

/** What became of one object. */
export interface ObjectOutcome extends ObjectRef {
  readonly action: ApplyAction;
  /** '' for what was deleted. */
  readonly resourceVersion: string;
}

/** What became of a change. */
export type ConfigOutcome =
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] }
  /** Somebody else was faster: `found` is the resource version in force, 0 for none. */
  | { readonly kind: 'conflict'; readonly key: string; readonly found: number }
  /** A proxy knows a newer store than this one: nothing may be written here any more. */
  | { readonly kind: 'fenced'; readonly epoch: number }
  | {
      readonly kind: 'done';
      readonly head: Head;
      readonly results: readonly ObjectOutcome[];
      readonly findings: readonly Finding[];
    };

/** What the desk works with. */
export interface ConfigDeskOptions {
  readonly state: MeshState;
  readonly events: EventLog;
  readonly sessions: () => readonly ProxySession[];
  readonly clock: Clock;
  readonly timers: Timers;
}

/** See the head of this file. */
export class ConfigDesk {
  readonly #options: ConfigDeskOptions;
  #fencedBy: number | undefined;

  constructor(options: ConfigDeskOptions) {
    this.#options = options;
  }

  /** Takes no changes from now on (push protocol R8). */
  fence(epoch: number): void {
    this.#fencedBy = epoch;
  }

  /** Rejects with `StoreError` if it could not be committed. */
  async change(change: ConfigChange): Promise<ConfigOutcome> {
    const { state } = this.#options;
    if (this.#fencedBy !== undefined) return { kind: 'fenced', epoch: this.#fencedBy };
    const plan = planApply(state, change.texts, change.del);
    if (plan.refused && change.force !== true) return { kind: 'refused', findings: plan.findings };
    const { changes, findings } = plan;
    const before = state.objects;
    if (change.dryRun === true) {
      const { epoch, version } = state.view;
      const results = outcomes(changes, before, state.preview(changes));
      return { kind: 'done', head: { epoch, version }, results, findings };
    }
    const done = await state.commitObjects(this.#txnOf(change, plan));
    if (!done.ok) {
      return { kind: 'conflict', key: done.error.expected.key, found: done.error.found };
    }
    const results = outcomes(changes, before, state.objects);
    this.#tell(change, results);
    return { kind: 'done', head: done.value, results, findings };
  }

  /** Waits until every connected proxy has given its verdict on `version`, or names who has not. */
  wait(version: number, timeoutMs: number): Promise<ConvergenceReport> {
    const { state, sessions, clock, timers } = this.#options;
    const question = { version, sessions, head: () => state.view };
    return awaitConvergence(question, timeoutMs, { clock, timers });
  }

  #txnOf(change: ConfigChange, plan: ApplyPlan): ObjectTxn {
    const names = plan.changes.map((it) => objectKey(it.kind === 'put' ? it.object : it.ref));
    return {
      changes: plan.changes,
      expect: new Map([...plan.expect, ...(change.expect ?? [])]),
      ...(change.notes === undefined ? {} : { notes: change.notes }),
      author: change.author,
      reason: names.slice(0, 10).join(' '),
    };
  }

  #tell(change: ConfigChange, results: readonly ObjectOutcome[]): void {
    const { events, clock } = this.#options;
    for (const { kind, namespace, name, action } of results) {
      if (action === 'unchanged') continue;
      events.add({
        atMs: clock.wallMs(),
        kind: 'config',
        severity: 'info',
        subject: `${kind} ${namespace}/${name}`,
        message: `${action} by ${change.author}`,
      });
    }
  }
}

function outcomes(
  changes: readonly ObjectChange[],
  before: ReadonlyMap<string, StoredObject>,
  after: ReadonlyMap<string, StoredObject>,
): ObjectOutcome[] {
  return changes.map((change) => {
    const { kind, namespace, name } = change.kind === 'put' ? change.object : change.ref;
    const key = objectKey({ kind, namespace, name });
    const stored = after.get(key);
    const action = actionOf(before.get(key), stored);
    const resourceVersion = stored === undefined ? '' : String(stored.resourceVersion);
    return { kind, namespace, name, action, resourceVersion };
  });
}
