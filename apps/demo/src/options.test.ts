import { expect, test } from 'vitest';
import { readOptions, UsageError } from './options.ts';

test('defaults', () => {
  expect(readOptions([])).toMatchObject({ forMs: undefined, requestsPerSecond: 110 });
});

test('what pnpm passes on, a separating -- included', () => {
  const options = readOptions(['--', '--for', '20s', '--report', 'r.json', '--rps=50']);
  expect(options).toMatchObject({ forMs: 20_000, reportFile: 'r.json', requestsPerSecond: 50 });
});

test('help', () => {
  expect(readOptions(['--help'])).toBeUndefined();
});

test.each([
  { args: ['--for', '20'], says: '--for wants a duration' },
  { args: ['--for', '0s'], says: '--for is longer' },
  { args: ['--rps', 'many', '--for', 'x'], says: /--for [^]*--rps/ },
  { args: ['--fro', '20s'], says: '--fro' },
  { args: ['--shop-port', '70000'], says: '--shop-port' },
])('refuses $args', ({ args, says }) => {
  expect(() => readOptions(args)).toThrow(UsageError);
  expect(() => readOptions(args)).toThrow(says);
});
