/** The tables, in the order that fixes their root pages: recovery relies on it. Add, never reorder. */
export const schemaStatements = [
  'CREATE TABLE IF NOT EXISTS meta (name TEXT NOT NULL, value INTEGER NOT NULL)',
  'CREATE TABLE IF NOT EXISTS cells (space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL)',
  'CREATE TABLE IF NOT EXISTS revisions (version INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, at_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL, changes TEXT NOT NULL)',
  'CREATE UNIQUE INDEX IF NOT EXISTS meta_name ON meta (name)',
  'CREATE UNIQUE INDEX IF NOT EXISTS cells_space_key ON cells (space, key)',
  'CREATE TABLE IF NOT EXISTS join_tokens (hash TEXT PRIMARY KEY, spiffe_id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL)',
] as const;

/** How every connection is set: a commit that was acknowledged survives a power cut. */
export const pragmaStatements = [
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = FULL',
] as const;
