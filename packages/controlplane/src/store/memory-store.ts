import { err, ok, type Result } from '@leno/std';
import {
  type Conflict,
  defaultRevisionCountMax,
  type Head,
  type Revision,
  type RevisionPage,
  type Row,
  type RowChange,
  type Space,
  type Store,
  type StoreState,
  type Txn,
} from './store.ts';

/** How a memory store is made. */
export interface MemoryStoreOptions {
  /** Default 1. */
  readonly epoch?: number;
  /** Log entries kept. Default 10,000. */
  readonly revisionCountMax?: number;
}

/** A store that forgets everything with its process: for tests, the simulator and embedding. */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly detail = 'memory';
  readonly recovery = undefined;
  readonly #epoch: number;
  readonly #revisionCountMax: number;
  readonly #rows = new Map<string, Row>();
  readonly #revisions: Revision[] = [];
  #version = 0;
  #compactedTo = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#epoch = options.epoch ?? 1;
    this.#revisionCountMax = options.revisionCountMax ?? defaultRevisionCountMax;
  }

  load(): Promise<StoreState> {
    const rows = [...this.#rows.values()];
    return Promise.resolve({ epoch: this.#epoch, version: this.#version, rows });
  }

  commit(txn: Txn): Promise<Result<Head, Conflict>> {
    for (const expected of txn.expect) {
      const found = this.#rows.get(rowId(expected.space, expected.key))?.version ?? 0;
      if (found !== expected.version) return Promise.resolve(err({ expected, found }));
    }
    this.#version += 1;
    const { atMs, author, reason } = txn;
    // A copy, as a file would hold one: who changes its objects later changes nothing here.
    const changes: readonly RowChange[] = structuredClone(txn.changes);
    for (const change of changes) this.#apply(change);
    const head = { epoch: this.#epoch, version: this.#version };
    this.#revisions.push({ ...head, atMs, author, reason, changes });
    if (this.#revisions.length > this.#revisionCountMax) {
      this.#compactedTo = this.#revisions.shift()?.version ?? 0;
    }
    return Promise.resolve(ok(head));
  }

  revisions(afterVersion: number, countMax: number): Promise<RevisionPage> {
    const revisions = this.#revisions.filter((it) => it.version > afterVersion);
    return Promise.resolve({
      revisions: revisions.slice(0, countMax),
      compactedTo: this.#compactedTo,
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #apply(change: RowChange): void {
    const { space, key } = change;
    if (change.kind === 'del') this.#rows.delete(rowId(space, key));
    else {
      this.#rows.set(rowId(space, key), {
        space,
        key,
        value: change.value,
        version: this.#version,
      });
    }
  }
}

function rowId(space: Space, key: string): string {
  return `${space} ${key}`;
}
