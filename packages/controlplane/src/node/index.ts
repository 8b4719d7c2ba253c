export { openSqliteStore, SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts';
export { SqliteTokenStore } from './sqlite-token-store.ts';
