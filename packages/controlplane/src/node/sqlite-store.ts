/**
 * The store in one SQLite file: WAL, synchronous=FULL, one transaction per commit that writes the
 * rows and the log entry together. The file is checked when it is opened; see sqlite-recovery.ts for
 * what happens to a damaged one. One process at a time:
 * the file is locked while it is open.
 */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { codeOf, err, messageOf, ok, type Result } from '@leno/std';
import {
  type Conflict,
  defaultRevisionCountMax,
  type Head,
  type RevisionPage,
  type RowChange,
  type Store,
  type StoreRecovery,
  type StoreState,
  type Txn,
} from '../store/store.ts';
import { StoreError } from '../store/store-error.ts';
import { damageOf, type Salvage, salvage, setAside } from './sqlite-recovery.ts';
import { revisionOf, rowOf, type SqlRow } from './sqlite-rows.ts';
import { pragmaStatements, schemaStatements } from './sqlite-schema.ts';

/** How a SQLite store is opened. */
export interface SqliteStoreOptions {
  readonly path: string;
  /** Milliseconds since 1970; the epoch of a store that is made or recovered is taken from it. */
  readonly wallMs: number;
  /** Log entries kept. Default 10,000. */
  readonly revisionCountMax?: number;
  /** How long to wait for another process to let go of the file. Default 2,000. */
  readonly lockTimeoutMs?: number;
}

/** Opens or makes the store. Throws `StoreError` if that cannot be done. */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { path, lockTimeoutMs = 2_000 } = options;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const why = existsSync(path) ? damageOf(path, lockTimeoutMs) : undefined;
    if (why === undefined)
      return new SqliteStore(options, openDatabase(path, lockTimeoutMs), undefined);
    const keptAs = setAside(path);
    const found = salvage(keptAs);
    const database = openDatabase(path, lockTimeoutMs);
    fill(database, found, options.wallMs);
    const { rows, revisions } = found;
    const recovery = { keptAs, why, rowCount: rows.length, revisionCount: revisions.length };
    return new SqliteStore(options, database, recovery);
  } catch (thrown) {
    throw new StoreError(
      `cannot open the store ${path}: ${messageOf(thrown)}; see that it is a writable file on a local disk`,
      { cause: thrown },
    );
  }
}

/** See `openSqliteStore`. */
export class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly detail: string;
  readonly recovery: StoreRecovery | undefined;
  readonly #database: DatabaseSync;
  readonly #revisionCountMax: number;
  readonly #epoch: number;
  #version: number;
  readonly #statements = new Map<string, StatementSync>();

  constructor(
    options: SqliteStoreOptions,
    database: DatabaseSync,
    recovery: StoreRecovery | undefined,
  ) {
    this.detail = options.path;
    this.recovery = recovery;
    this.#database = database;
    this.#revisionCountMax = options.revisionCountMax ?? defaultRevisionCountMax;
    const epoch = readMeta(database, 'epoch');
    if (epoch === undefined) {
      // Seconds since 1970: greater than that of any store that this one replaces, with nothing to remember it by.
      this.#epoch = Math.floor(options.wallMs / 1_000);
      this.#version = 0;
      writeMeta(database, 'epoch', this.#epoch);
      writeMeta(database, 'version', 0);
    } else {
      this.#epoch = epoch;
      this.#version = readMeta(database, 'version') ?? 0;
    }
  }

  /** The connection, for tables of other parts that live in the same file. */
  get database(): DatabaseSync {
    return this.#database;
  }

  load(): Promise<StoreState> {
    return this.#answer(() => ({
      epoch: this.#epoch,
      version: this.#version,
      rows: this.#all('SELECT space, key, value, version FROM cells ORDER BY space, key').map(
        rowOf,
      ),
    }));
  }

  commit(txn: Txn): Promise<Result<Head, Conflict>> {
    return this.#answer(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const conflict = this.#conflictOf(txn);
        if (conflict !== undefined) {
          this.#database.exec('ROLLBACK');
          return err(conflict);
        }
        const head = this.#write(txn);
        this.#database.exec('COMMIT');
        this.#version = head.version;
        return ok(head);
      } catch (thrown) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw thrown;
      }
    });
  }

  revisions(afterVersion: number, countMax: number): Promise<RevisionPage> {
    return this.#answer(() => {
      const sql = 'SELECT * FROM revisions WHERE version > ? ORDER BY version LIMIT ?';
      const revisions = this.#all(sql, afterVersion, countMax).map(revisionOf);
      const oldest = this.#all('SELECT min(version) AS version FROM revisions')[0]?.['version'];
      return { revisions, compactedTo: typeof oldest === 'number' ? oldest - 1 : 0 };
    });
  }

  close(): Promise<void> {
    return this.#answer(() => {
      if (!this.#database.isOpen) return;
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      this.#statements.clear();
      this.#database.close();
    });
  }

  #conflictOf(txn: Txn): Conflict | undefined {
    for (const expected of txn.expect) {
      const sql = 'SELECT version FROM cells WHERE space = ? AND key = ?';
      const found = Number(this.#all(sql, expected.space, expected.key)[0]?.['version'] ?? 0);
      if (found !== expected.version) return { expected, found };
    }
    return undefined;
  }

  #write(txn: Txn): Head {
    const version = this.#version + 1;
    for (const change of txn.changes) this.#writeCell(change, version);
    const changes = JSON.stringify(txn.changes);
    this.#run(
      'INSERT INTO revisions (version, epoch, at_ms, author, reason, changes) VALUES (?, ?, ?, ?, ?, ?)',
      ...[version, this.#epoch, Math.floor(txn.atMs), txn.author, txn.reason, changes],
    );
    this.#run('DELETE FROM revisions WHERE version <= ?', version - this.#revisionCountMax);
    this.#run("UPDATE meta SET value = ? WHERE name = 'version'", version);
    return { epoch: this.#epoch, version };
  }

  #writeCell(change: RowChange, version: number): void {
    const { space, key } = change;
    if (change.kind === 'del') {
      this.#run('DELETE FROM cells WHERE space = ? AND key = ?', space, key);
      return;
    }
    this.#run(
      'INSERT INTO cells (space, key, value, version) VALUES (?, ?, ?, ?) ON CONFLICT (space, key) DO UPDATE SET value = excluded.value, version = excluded.version',
      ...[space, key, JSON.stringify(change.value), version],
    );
  }

  #run(sql: string, ...values: (string | number)[]): void {
    this.#prepare(sql).run(...values);
  }

  #all(sql: string, ...values: (string | number)[]): SqlRow[] {
    return this.#prepare(sql).all(...values);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** SQLite answers at once; the port promises, since other stores do not. */
  #answer<T>(work: () => T): Promise<T> {
    try {
      return Promise.resolve(work());
    } catch (thrown) {
      const why = `${messageOf(thrown)} ${codeOf(thrown)}`.trim();
      return Promise.reject(
        new StoreError(`store ${this.detail}: ${why}; nothing was changed`, { cause: thrown }),
      );
    }
  }
}

function openDatabase(path: string, lockTimeoutMs: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: lockTimeoutMs });
  chmodSync(path, 0o600);
  for (const statement of [...pragmaStatements, ...schemaStatements]) database.exec(statement);
  return database;
}

/** Takes over what was salvaged; the epoch moves on, since the last transactions may be among what is lost. */
function fill(database: DatabaseSync, found: Salvage, wallMs: number): void {
  const version = Math.max(0, ...found.rows.map((it) => it.version), found.version);
  const epoch = Math.max(Math.floor(wallMs / 1_000), found.epoch + 1);
  database.exec('BEGIN IMMEDIATE');
  writeMeta(database, 'epoch', epoch);
  writeMeta(database, 'version', version);
  const cell = database.prepare(
    'INSERT OR REPLACE INTO cells (space, key, value, version) VALUES (?, ?, ?, ?)',
  );
  for (const row of found.rows) {
    cell.run(row.space, row.key, JSON.stringify(row.value), row.version);
  }
  const entry = database.prepare(
    'INSERT OR REPLACE INTO revisions (version, epoch, at_ms, author, reason, changes) VALUES (?, ?, ?, ?, ?, ?)',
  );
  for (const it of found.revisions) {
    entry.run(it.version, it.epoch, it.atMs, it.author, it.reason, JSON.stringify(it.changes));
  }
  database.exec('COMMIT');
}

function readMeta(database: DatabaseSync, name: string): number | undefined {
  const row = database.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return typeof row?.['value'] === 'number' ? row['value'] : undefined;
}

function writeMeta(database: DatabaseSync, name: string, value: number): void {
  database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(name, value);
}
