/**
 * The store port: an ordered log of revisions and the rows that they leave behind.
 *
 * Every committed transaction raises `version` by exactly one; `epoch` grows when a store is made or
 * recovered, so that (epoch, version) never runs backwards for whoever has seen an older store. A
 * transaction is whole or absent, also when the process is killed in its midst. Rows are plain
 * key → JSON in four spaces, which is all that SQLite, etcd or memory need to agree on.
 * Push protocol §1; control-plane reference §3.
 */
import type { Result } from '@leno/std';

/**
 * What a row is: `object`, what a user wrote; `instance`, a registered instance; `mark`, the hash of
 * a compiled resource, whose row version is the resource's version; `note`, small state of parts.
 */
export const spaces = ['object', 'instance', 'mark', 'note'] as const;
/** One of `spaces`. */
export type Space = (typeof spaces)[number];

/** Anything that JSON holds. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };

/** One current row; `version` is that of the transaction that last wrote it. */
export interface Row {
  readonly space: Space;
  readonly key: string;
  readonly value: Json;
  readonly version: number;
}

/** One change of a transaction. A later one on the same row wins over an earlier one. */
export type RowChange =
  | {
      readonly kind: 'put';
      readonly space: Space;
      readonly key: string;
      readonly value: Json;
    }
  | { readonly kind: 'del'; readonly space: Space; readonly key: string };

/** What a row's version must be for the transaction to happen; 0 means that it must be absent. */
export interface Expectation {
  readonly space: Space;
  readonly key: string;
  readonly version: number;
}

/** A transaction: all changes or none. */
export interface Txn {
  readonly expect: readonly Expectation[];
  readonly changes: readonly RowChange[];
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Who did it (`api`, `directory`, `registry`) and why, for the log that people read. */
  readonly author: string;
  readonly reason: string;
}

/** The expectation that did not hold, and what was found; nothing was changed. */
export interface Conflict {
  readonly expected: Expectation;
  readonly found: number;
}

/** One entry of the log. */
export interface Revision {
  readonly epoch: number;
  readonly version: number;
  readonly atMs: number;
  readonly author: string;
  readonly reason: string;
  readonly changes: readonly RowChange[];
}

/** Where the store stands. */
export interface Head {
  readonly epoch: number;
  readonly version: number;
}

/** Head and all rows, read at one moment. */
export interface StoreState extends Head {
  readonly rows: readonly Row[];
}

/** What was done to a store file that was found damaged when it was opened. */
export interface StoreRecovery {
  /** Where the damaged file was put aside. */
  readonly keptAs: string;
  readonly why: string;
  readonly rowCount: number;
  readonly revisionCount: number;
}

/** A place that keeps the mesh's state. One writer; calls are answered in the order they were made. */
export interface Store {
  /** `memory` or `sqlite`. */
  readonly kind: string;
  /** Where it is, for people: a path. */
  readonly detail: string;
  /** Set if the file was damaged and had to be recovered when it was opened. */
  readonly recovery: StoreRecovery | undefined;
  load(): Promise<StoreState>;
  /** Resolves when the transaction would survive a power cut. Rejects with `StoreError`. */
  commit(txn: Txn): Promise<Result<Head, Conflict>>;
  /**
   * Log entries after `version`, oldest first, at most `countMax`. The log keeps the newest
   * `revisionCountMax` (default 10,000); what is older is gone, and `compactedTo` says up to where.
   */
  revisions(afterVersion: number, countMax: number): Promise<RevisionPage>;
  /** Writes what is pending into the main file and lets go of it. */
  close(): Promise<void>;
}

/** A stretch of the log. */
export interface RevisionPage {
  readonly revisions: readonly Revision[];
  /** The newest version that is no longer in the log; 0 while it is whole. */
  readonly compactedTo: number;
}

/** The log entries that are kept where nothing else is said. */
export const defaultRevisionCountMax = 10_000;
