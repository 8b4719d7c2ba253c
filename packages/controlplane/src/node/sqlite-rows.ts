/** What comes out of SQLite, made into what the store port knows. Both throw on unreadable content. */
import { type Json, type Revision, type Row, type RowChange, spaces } from '../store/store.ts';

/** A row as the driver gives it. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** A row of `cells`. */
export function rowOf(row: SqlRow): Row {
  const space = spaces.find((it) => it === row['space']);
  const version = Number(row['version']);
  if (space === undefined || !Number.isSafeInteger(version)) throw new Error('not a row of ours');
  return {
    space,
    key: String(row['key']),
    value: JSON.parse(String(row['value'])) as Json,
    version,
  };
}

/** A row of `revisions`. */
export function revisionOf(row: SqlRow): Revision {
  const changes: unknown = JSON.parse(String(row['changes']));
  if (!Array.isArray(changes)) throw new Error('not a revision of ours');
  return {
    epoch: Number(row['epoch']),
    version: Number(row['version']),
    atMs: Number(row['at_ms']),
    author: String(row['author']),
    reason: String(row['reason']),
    changes: changes as RowChange[],
  };
}
