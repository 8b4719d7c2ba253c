/**
 * What is done about a damaged store file: it is kept aside as `NAME.corrupt-N`, and whatever can be
 * read of a copy of it goes into a new file. Row by row, so that one bad page costs its own rows
 * only; a destroyed first page is replaced by that of an empty store of the same layout; rows whose
 * table is gone are rebuilt from the log, and the other way round nothing is made up.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@leno/std';
import type { Revision, Row } from '../store/store.ts';
import { StoreError } from '../store/store-error.ts';
import { revisionOf, rowOf, type SqlRow } from './sqlite-rows.ts';
import { schemaStatements } from './sqlite-schema.ts';

/** What could be read of a damaged store. */
export interface Salvage {
  readonly rows: readonly Row[];
  readonly revisions: readonly Revision[];
  /** The greatest seen, 0 if none was. */
  readonly epoch: number;
  readonly version: number;
}

const companions = ['', '-wal', '-shm'] as const;
const asideCountMax = 1_000;
/** SQLite's result codes for "malformed" and "not a database"; any other error is no damage. */
const damageCodes: readonly unknown[] = [11, 26];
/** How many row ids are tried where the greatest one cannot be read any more. */
const blindRowIdMax = 20_000;

/** Why the file cannot be used as it is, or undefined if it is whole. Throws if it cannot be told (locked, no rights). */
export function damageOf(path: string, lockTimeoutMs: number): string | undefined {
  if (statSync(path).size === 0) return 'the file is empty';
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: lockTimeoutMs });
    const [first] = database.prepare('PRAGMA integrity_check(1)').all();
    const verdict = String(first?.['integrity_check']);
    if (verdict !== 'ok') return verdict;
    return contentDamageOf(database);
  } catch (thrown) {
    if (damageCodes.includes(sqliteCodeOf(thrown))) return messageOf(thrown);
    throw thrown;
  } finally {
    database?.close();
  }
}

/** Moves the file and its companions out of the way; gives the new name. */
export function setAside(path: string): string {
  for (let number = 1; number <= asideCountMax; number += 1) {
    const aside = `${path}.corrupt-${number}`;
    if (companions.some((it) => existsSync(aside + it))) continue;
    for (const it of companions) if (existsSync(path + it)) renameSync(path + it, aside + it);
    return aside;
  }
  throw new StoreError(`${asideCountMax} damaged copies lie beside ${path}; move them elsewhere`);
}

/** Reads what can be read of the file, which is left as it is. Never throws for damage. */
export function salvage(path: string): Salvage {
  const directory = mkdtempSync(join(tmpdir(), 'leno-salvage-'));
  try {
    const copy = join(directory, 'store.db');
    for (const it of companions) if (existsSync(path + it)) copyFileSync(path + it, copy + it);
    return readCopy(copy) ?? readWithNewFirstPage(copy, directory) ?? nothing;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const nothing: Salvage = { rows: [], revisions: [], epoch: 0, version: 0 };

function contentDamageOf(database: DatabaseSync): string | undefined {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  const names = tables.map((it) => it['name']);
  if (names.length > 0 && !names.includes('cells')) return 'its tables are not those of a store';
  if (names.length === 0) return undefined; // Made, and killed before its first transaction.
  for (const row of database.prepare('SELECT * FROM cells').iterate()) {
    try {
      rowOf(row);
    } catch (thrown) {
      return `row ${String(row['space'])} ${String(row['key'])}: ${messageOf(thrown)}`;
    }
  }
  return undefined;
}

/** Undefined if not even the list of tables can be read. */
function readCopy(path: string): Salvage | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    if (tables.length === 0) return undefined;
    const cells = readTable(database, 'cells', rowOf);
    const revisions = readTable(database, 'revisions', revisionOf);
    const meta = readTable(database, 'meta', (it) => it);
    return combine(cells, revisions, meta);
  } catch {
    return undefined;
  } finally {
    closeQuietly(database);
  }
}

/** A file whose first page is gone: the page of an empty store has the same roots of the same tables. */
function readWithNewFirstPage(path: string, directory: string): Salvage | undefined {
  const template = join(directory, 'template.db');
  const database = new DatabaseSync(template);
  for (const statement of schemaStatements) database.exec(statement);
  database.close();
  // Bytes 24–27 and 92–95 differ on purpose: SQLite then takes the page count from the file's size.
  const page = readFileSync(template).subarray(0, 4_096);
  page.writeUInt32BE(page.readUInt32BE(92) + 1, 24);
  const file = openSync(path, 'r+');
  writeSync(file, page, 0, page.length, 0);
  closeSync(file);
  return readCopy(path);
}

function readTable<T>(
  database: DatabaseSync,
  table: string,
  parse: (row: SqlRow) => T,
): readonly T[] {
  const found: T[] = [];
  const rowIdMax = greatestRowId(database, table);
  if (rowIdMax === undefined) return found;
  const one = database.prepare(`SELECT * FROM ${table} NOT INDEXED WHERE rowid = ?`);
  for (let rowId = 1; rowId <= rowIdMax; rowId += 1) {
    try {
      const row = one.get(rowId);
      if (row !== undefined) found.push(parse(row));
    } catch {
      // This row is lost; the next one may lie on a whole page.
    }
  }
  return found;
}

function greatestRowId(database: DatabaseSync, table: string): number | undefined {
  try {
    const row = database.prepare(`SELECT max(rowid) AS id FROM ${table}`).get();
    return typeof row?.['id'] === 'number' ? row['id'] : 0;
  } catch (thrown) {
    return damageCodes.includes(sqliteCodeOf(thrown)) ? blindRowIdMax : undefined;
  }
}

/** The newest word on each row, from the rows themselves and from the log. */
function combine(
  cells: readonly Row[],
  revisions: readonly Revision[],
  meta: readonly SqlRow[],
): Salvage {
  const latest = new Map<string, { readonly version: number; readonly row: Row | undefined }>();
  const offer = (id: string, version: number, row: Row | undefined): void => {
    if ((latest.get(id)?.version ?? 0) <= version) latest.set(id, { version, row });
  };
  for (const row of cells) offer(`${row.space} ${row.key}`, row.version, row);
  for (const { version, changes } of revisions) {
    for (const it of changes) {
      const { space, key } = it;
      const row = it.kind === 'put' ? { space, key, value: it.value, version } : undefined;
      offer(`${space} ${key}`, version, row);
    }
  }
  const numbers = (name: string): number[] =>
    meta.filter((it) => it['name'] === name).map((it) => Number(it['value']));
  return {
    rows: [...latest.values()].flatMap((it) => (it.row === undefined ? [] : [it.row])),
    revisions,
    epoch: Math.max(0, ...numbers('epoch'), ...revisions.map((it) => it.epoch)),
    version: Math.max(0, ...numbers('version'), ...revisions.map((it) => it.version)),
  };
}

function sqliteCodeOf(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null || !('errcode' in thrown)) return undefined;
  // Extended codes carry the primary one in their low byte.
  return typeof thrown.errcode === 'number' ? thrown.errcode & 0xff : undefined;
}

function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    database?.close();
  } catch {
    // A damaged copy that is thrown away in any case.
  }
}
