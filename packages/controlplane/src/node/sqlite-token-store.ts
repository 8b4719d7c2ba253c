import type { DatabaseSync } from 'node:sqlite';
import type { JoinTokenRecord, JoinTokenStore } from '@leno/ca';
import type { SqlRow } from './sqlite-rows.ts';
import type { SqliteStore } from './sqlite-store.ts';

/**
 * Join tokens in the file of a SQLite store: they outlive a restart of the control plane, and are
 * spent by one statement. They are no part of the revision log, nor of what is recovered from a
 * damaged file: whoever holds a lost token asks for another.
 */
export class SqliteTokenStore implements JoinTokenStore {
  readonly #database: DatabaseSync;

  constructor(store: SqliteStore) {
    this.#database = store.database;
  }

  put(record: JoinTokenRecord): void {
    const { hash, spiffeId, expiresAtMs } = record;
    this.#database
      .prepare('INSERT OR REPLACE INTO join_tokens VALUES (?, ?, ?)')
      .run(hash, spiffeId, Math.floor(expiresAtMs));
  }

  get(hash: string): JoinTokenRecord | undefined {
    return recordOf(this.#database.prepare('SELECT * FROM join_tokens WHERE hash = ?').get(hash));
  }

  take(hash: string): JoinTokenRecord | undefined {
    const sql = 'DELETE FROM join_tokens WHERE hash = ? RETURNING *';
    return recordOf(this.#database.prepare(sql).get(hash));
  }

  sweep(nowMs: number): number {
    this.#database.prepare('DELETE FROM join_tokens WHERE expires_at_ms <= ?').run(nowMs);
    const row = this.#database.prepare('SELECT count(*) AS count FROM join_tokens').get();
    return Number(row?.['count']);
  }
}

function recordOf(row: SqlRow | undefined): JoinTokenRecord | undefined {
  if (row === undefined) return undefined;
  return {
    hash: String(row['hash']),
    spiffeId: String(row['spiffe_id']),
    expiresAtMs: Number(row['expires_at_ms']),
  };
}
