import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../node/sqlite-store.ts';
import { MemoryStore } from './memory-store.ts';
import type { Row, RowChange, Store, Txn } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'leno-store-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let fileCount = 0;
const newPath = () => join(directory, `store-${(fileCount += 1)}.db`);
const open = (path: string, revisionCountMax = 10_000) =>
  openSqliteStore({ path, wallMs: 1_800_000_000_000, revisionCountMax, lockTimeoutMs: 50 });

const stores: { name: string; make(revisionCountMax?: number): Store }[] = [
  { name: 'memory', make: (revisionCountMax = 10_000) => new MemoryStore({ revisionCountMax }) },
  { name: 'sqlite', make: (revisionCountMax) => open(newPath(), revisionCountMax) },
];

function put(key: string, value: string): RowChange {
  return { kind: 'put', space: 'object', key, value };
}
function txn(changes: RowChange[], expected: Record<string, number> = {}): Txn {
  const expect = Object.entries(expected).map(([key, version]) => ({
    space: 'object' as const,
    key,
    version,
  }));
  return { expect, changes, atMs: 5, author: 'test', reason: 'because' };
}
/** What a store holds, as `key=value@version` in order. */
async function contentOf(store: Store): Promise<string> {
  const { rows } = await store.load();
  return rows
    .map((it) => `${it.key}=${JSON.stringify(it.value)}@${it.version}`)
    .toSorted()
    .join(' ');
}

test.each(stores)('$name: each transaction is one version, whole', async ({ make }) => {
  const store = make();
  await store.commit(txn([put('a', '1'), put('b', '1')]));
  await store.commit(txn([put('a', '2'), { kind: 'del', space: 'object', key: 'b' }]));
  await store.commit(txn([{ kind: 'del', space: 'object', key: 'never' }]));
  expect(await contentOf(store)).toBe('a="2"@2');
  expect((await store.load()).version).toBe(3);
  const { revisions } = await store.revisions(1, 10);
  expect(revisions.map((it) => it.version)).toEqual([2, 3]);
  expect(revisions[0]).toMatchObject({ author: 'test', reason: 'because', atMs: 5 });
  await store.close();
});

test.each(stores)('$name: an expectation that fails changes nothing', async ({ make }) => {
  const store = make();
  await store.commit(txn([put('a', '1')]));
  const late = await store.commit(txn([put('b', '1'), put('a', 'x')], { b: 0, a: 0 }));
  expect(late).toEqual({
    ok: false,
    error: { expected: { space: 'object', key: 'a', version: 0 }, found: 1 },
  });
  expect(await contentOf(store)).toBe('a="1"@1');
  expect((await store.commit(txn([put('a', '2')], { a: 1 }))).ok).toBe(true);
  await store.close();
});

test.each(stores)('$name: the log keeps its bound and says where it starts', async ({ make }) => {
  const store = make(3);
  for (let index = 0; index < 5; index += 1) await store.commit(txn([put('a', `${index}`)]));
  const page = await store.revisions(0, 10);
  expect(page.revisions.map((it) => it.version)).toEqual([3, 4, 5]);
  expect(page.compactedTo).toBe(2);
  await store.close();
});

test('property: memory and sqlite agree on any sequence, also after a restart', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const change = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key, value: fc.string() }),
    fc.record({ kind: fc.constant('del' as const), key }),
  );
  const step = fc.record({
    changes: fc.array(change, { maxLength: 4 }),
    expected: fc.dictionary(key, fc.nat({ max: 6 }), { maxKeys: 1 }),
  });
  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
  const run = async (steps: readonly Step[]) => {
    const path = newPath();
    const memory = new MemoryStore();
    let sqlite = open(path);
    for (const { changes, expected } of steps) {
      const it = txn(
        changes.map((one) => ({ ...one, space: 'object' as const })),
        expected,
      );
      const [left, right] = [await memory.commit(it), await sqlite.commit(it)];
      expect(right.ok ? right.value.version : right).toEqual(left.ok ? left.value.version : left);
    }
    await sqlite.close();
    sqlite = open(path);
    expect(await contentOf(sqlite)).toBe(await contentOf(memory));
    expect((await sqlite.load()).version).toBe((await memory.load()).version);
    await sqlite.close();
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 8 }), run), { numRuns: 15 });
});

test('a commit that was acknowledged survives SIGKILL, and none is half there', async () => {
  const path = newPath();
  const module = new URL('../node/sqlite-store.ts', import.meta.url).href;
  const program = `
    const { openSqliteStore } = await import(${JSON.stringify(module)});
    const store = openSqliteStore({ path: ${JSON.stringify(path)}, wallMs: 1 });
    for (let i = 1; ; i += 1) {
      const change = (key) => ({ kind: 'put', space: 'object', key, value: String(i) });
      const it = { expect: [], changes: [change('a'), change('b')], atMs: 1, author: '', reason: '' };
      const done = await store.commit(it);
      process.stdout.write(done.value.version + '\\n');
    }`;
  const args = ['--conditions=@leno/source', '--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.split('\n').length > 30) child.kill('SIGKILL');
    });
    child.on('close', () => resolve());
  });
  const acknowledged = Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
  const store = open(path);
  const { version, rows } = await store.load();
  expect(store.recovery).toBeUndefined();
  expect(version).toBeGreaterThanOrEqual(acknowledged);
  expect(rows.map((it: Row) => it.value)).toEqual([String(version), String(version)]);
  await store.close();
});

/** A store of many pages, closed; the keys are `k0`…`k199`. */
async function bigStore(): Promise<{ path: string; bytes: Buffer }> {
  const path = newPath();
  const store = open(path);
  for (let index = 0; index < 200; index += 1) {
    await store.commit(txn([put(`k${index}`, `${index} ${'x'.repeat(300)}`)]));
  }
  await store.close();
  return { path, bytes: readFileSync(path) };
}

const pageBytes = 4_096;
test.each([
  { name: 'its first page is zeroes', damage: (it: Buffer) => it.fill(0, 0, pageBytes), left: 200 },
  {
    name: 'a page in its midst is noise',
    damage: (it: Buffer) => it.fill(0xa5, 10 * pageBytes, 11 * pageBytes),
    left: 180,
  },
  {
    name: 'its second half is cut off',
    damage: (it: Buffer) => it.subarray(0, it.length >> 1),
    left: 20,
  },
  { name: 'it is no database at all', damage: () => Buffer.from('hello '.repeat(2_000)), left: 0 },
  { name: 'it is empty', damage: () => Buffer.alloc(0), left: 0 },
])('a damaged file is kept aside and what is whole goes on: $name', async ({ damage, left }) => {
  const { path, bytes } = await bigStore();
  const damaged = damage(bytes);
  truncateSync(path, 0);
  writeFileSync(path, damaged);
  const store = open(path);
  expect(store.recovery?.keptAs).toBe(`${path}.corrupt-1`);
  expect(readFileSync(`${path}.corrupt-1`).equals(damaged)).toBe(true);
  const { rows, epoch } = await store.load();
  expect(rows.length).toBeGreaterThanOrEqual(left);
  for (const row of rows)
    expect(JSON.stringify(row.value).startsWith(`"${row.key.slice(1)} x`)).toBe(true);
  expect(epoch).toBeGreaterThanOrEqual(1_800_000_000);
  expect((await store.commit(txn([put('new', '1')]))).ok).toBe(true);
  await store.close();
});

test('a store that another process holds is refused, not taken for damaged', async () => {
  const path = newPath();
  const first = open(path);
  expect(() => open(path)).toThrow(/locked/);
  await first.close();
});
