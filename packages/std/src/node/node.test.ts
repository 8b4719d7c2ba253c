import { chmod, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonLogger } from './json-logger.ts';
import { LineReader } from './line-reader.ts';
import { allocatePorts } from './ports.ts';
import { writeFileAtomic } from './write-file-atomic.ts';

async function freshDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'leno-std-'));
}

test('writes a whole file with its mode, over a readable one and into a new directory', async () => {
  const path = join(await freshDirectory(), 'deep', 'key.pem');
  await writeFileAtomic(path, 'old', { mode: 0o644 });
  await chmod(path, 0o666);
  await writeFileAtomic(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('a write that fails leaves the old content and no temporary file', async () => {
  const directory = await freshDirectory();
  const path = join(directory, 'state');
  await mkdir(path);
  await writeFile(join(path, 'kept'), 'old');
  await expect(writeFileAtomic(path, 'new')).rejects.toThrow();
  expect(await readdir(directory)).toEqual(['state']);
});

test('ports are in range, free on every address, and never given twice', async () => {
  const [first, second] = await Promise.all([allocatePorts(20), allocatePorts(20)]);
  const ports = [...first, ...second];
  expect(new Set(ports).size).toBe(40);
  expect(ports.every((port) => port >= 20_000 && port <= 31_999)).toBe(true);
  const server = createServer().listen(ports[0], '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  server.close();
});

/** What a logger writes, parsed. */
function logged(play: (logger: JsonLogger) => void): unknown[] {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  play(new JsonLogger({ level: 'info', write, wallMs: () => 0, fields: { app: 'x' } }));
  return lines.map((line) => JSON.parse(line) as unknown);
}

const base = { time: '1970-01-01T00:00:00.000Z', level: 'info', msg: 'm', app: 'x' };
const pem = '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----';
const circular: Record<string, unknown> = {};
circular['self'] = circular;
test.each([
  { name: 'fields', fields: { a: 1n, b: [new Date(0)] }, out: { a: '1', b: [base.time] } },
  { name: 'a secret by its name', fields: { joinToken: 'abc' }, out: { joinToken: '[redacted]' } },
  { name: 'a key in a text', fields: { a: `x ${pem}` }, out: { a: 'x [redacted]' } },
  {
    name: 'an error',
    fields: { e: new Error(pem) },
    out: { e: { name: 'Error', message: '[redacted]' } },
  },
  { name: 'no field over a fixed one', fields: { level: 'fake', time: 0 }, out: {} },
  {
    name: 'an endless line',
    fields: { a: 'x'.repeat(20_000) },
    out: { fieldsDropped: true, app: undefined },
  },
])('logs $name', ({ fields, out }) => {
  expect(logged((log) => log.info('m', fields))).toEqual([{ ...base, ...out }]);
});

test('a field that throws when it is read costs the fields, not the message', () => {
  const fields = {
    deep: {
      get bad(): string {
        throw new Error('no');
      },
    },
  };
  const { app: _, ...head } = base;
  expect(logged((log) => log.info('m', fields))).toEqual([{ ...head, fieldsDropped: true }]);
});

test('logs cycles up to a depth, and nothing below its level', () => {
  expect(JSON.stringify(logged((log) => log.warn('m', circular)))).toContain('[deep]');
  expect(logged((log) => log.debug('m'))).toEqual([]);
  expect(logged((log) => log.child({ id: 7 }).error('m'))).toMatchObject([
    { id: 7, level: 'error' },
  ]);
});

test('property: lines come out the same however the text was cut', () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 9 }));
  fc.assert(
    fc.property(pieces, (it) => {
      const lines: string[] = [];
      const reader = new LineReader((line) => lines.push(line));
      for (const piece of it) reader.push(piece);
      reader.end();
      expect(lines).toEqual(
        it
          .join('')
          .split('\n')
          .filter((line) => line !== ''),
      );
    }),
  );
});

test('a line without an end is cut at its bound', () => {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  for (let count = 0; count < 10; count += 1) reader.push('x'.repeat(10_000));
  reader.push('\nnext\n');
  expect(lines.map((line) => line.length)).toEqual([65_536, 4]);
  expect(reader.truncatedCount).toBe(1);
});
