import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { readSettings, SettingsError, unknownVariables } from './env.ts';

const needed = {
  LENO_CONTROL_PLANE: '127.0.0.1:9902',
  LENO_SERVICE: 'cart',
  LENO_TRUST_PIN: `sha256:${'a'.repeat(64)}`,
  LENO_STATE_DIR: '/var/lib/leno',
};

/** What is complained about; empty if it is all right. */
function complaints(more: Record<string, string | undefined>, flags: string[] = []): string[] {
  try {
    readSettings({ ...needed, ...more }, flags);
    return [];
  } catch (thrown) {
    if (thrown instanceof SettingsError) return thrown.message.split('\n');
    throw thrown;
  }
}

test('what is needed is enough, and an empty variable is none', () => {
  const settings = readSettings({ ...needed, LENO_DRAIN_TIMEOUT_MS: '', LENO_VERSION: '' }, []);
  expect(settings).toMatchObject({
    LENO_NAMESPACE: 'default',
    LENO_VERSION: 'v1',
    LENO_APP: { kind: 'tcp', host: '127.0.0.1', port: 8_080, speaks: 'http/1.1' },
    LENO_ADMIN_LISTEN: { host: '127.0.0.1', port: 15_000 },
    LENO_DRAIN_TIMEOUT_MS: 30_000,
    LENO_BODY_BYTES_MAX: Number.POSITIVE_INFINITY,
    LENO_STALL_TIMEOUT_MS: 60_000,
    LENO_WORKERS: 1,
  });
});

test.each([
  { app: 'shop:1', is: { kind: 'tcp', host: 'shop', port: 1, speaks: 'http/1.1' } },
  { app: '[::1]:80', is: { kind: 'tcp', host: '::1', port: 80, speaks: 'http/1.1' } },
  { app: 'unix:/run/app', is: { kind: 'unix', path: '/run/app', speaks: 'http/1.1' } },
  { app: 'h2c://127.0.0.1:50051', is: { host: '127.0.0.1', port: 50_051, speaks: 'h2c' } },
  { app: 'h2c://[::1]:80', is: { kind: 'tcp', host: '::1', port: 80, speaks: 'h2c' } },
  { app: 'h2c+unix:/run/app', is: { kind: 'unix', path: '/run/app', speaks: 'h2c' } },
])('LENO_APP $app', ({ app, is }) => {
  expect(readSettings({ ...needed, LENO_APP: app }, []).LENO_APP).toMatchObject(is);
});

test('every mistake is said at once', () => {
  const found = complaints({ LENO_SERVICE: undefined, LENO_APP: 'h2c://x', LENO_MODE: 'router' }, [
    '--colour',
    'red',
    '--labels',
  ]);
  expect(found).toHaveLength(6);
  for (const part of ['LENO_SERVICE is not set', 'h2c', 'router', '"--colour"', '--labels has']) {
    expect(found.some((line) => line.includes(part))).toBe(true);
  }
});

test('listeners for TCP: each stands for one authority', () => {
  const asked = '127.0.0.1:5432=Postgres:5432, [::1]:0=cache.default:6379,';
  expect(readSettings({ ...needed, LENO_TCP_LISTEN: asked }, []).LENO_TCP_LISTEN).toEqual([
    { host: '127.0.0.1', port: 5_432, authority: 'postgres:5432' },
    { host: '::1', port: 0, authority: 'cache.default:6379' },
  ]);
  expect(readSettings(needed, []).LENO_TCP_LISTEN).toEqual([]);
});

test('every entry that is no listener for TCP is named', () => {
  const bad = ['5432=db:1', 'h:1=db', 'h:99999=db:1', 'h:1=db:0', 'h:1=db:70000', 'h:1=-db:1'];
  const [line = '', ...others] = complaints({ LENO_TCP_LISTEN: ['h:1=db:1', ...bad].join() });
  expect(others).toEqual([]);
  for (const entry of bad) expect(line).toContain(JSON.stringify(entry));
  expect(line).not.toContain('"h:1=db:1",');
  const many = Array.from({ length: 257 }, () => 'h:1=db:1').join();
  expect(complaints({ LENO_TCP_LISTEN: many })[0]).toContain('at most 256');
});

test.each([
  { LENO_ADMIN_LISTEN: '0.0.0.0:15000' },
  { LENO_ADMIN_LISTEN: ':15000' },
  { LENO_ADMIN_LISTEN: '10.0.0.1:15000' },
  { LENO_INBOUND_LISTEN: '127.0.0.1:65536' },
  { LENO_CONTROL_PLANE: 'host:99999' },
  { LENO_CONTROL_PLANE: 'wss://host:9902' },
  { LENO_CONTROL_PLANE: 'user@host:9902' },
  { LENO_ADVERTISE: 'host:0' },
  { LENO_APP: 'unix:' },
  { LENO_APP: '127.0.0.1:0' },
  { LENO_APP: 'h2c://127.0.0.1:0' },
  { LENO_APP: 'h2c://127.0.0.1' },
  { LENO_APP: 'h2c://unix:/run/app' },
  { LENO_APP: 'h2c+127.0.0.1:80' },
  { LENO_APP: 'http://127.0.0.1:80' },
  { LENO_TRUST_DOMAIN: 'Mesh/local' },
  { LENO_TRUST_PIN: 'sha256:short' },
  { LENO_DRAIN_TIMEOUT_MS: '1e3' },
  { LENO_DRAIN_TIMEOUT_MS: '600001' },
  { LENO_BODY_BYTES_MAX: '0' },
  { LENO_STALL_TIMEOUT_MS: '99' },
  { LENO_LABELS: 'a' },
  { LENO_LABELS: `a=${'x'.repeat(257)}` },
  { LENO_DNS_SERVERS: 'dns.example' },
  { LENO_DNS_SERVERS: '10.0.0.2,10.0.0.300' },
  { LENO_DNS_SERVERS: '10.0.0.2:0' },
  { LENO_DNS_SERVERS: '[10.0.0.2]' },
  { LENO_GATEWAY_HOST: '0.0.0.0:80' },
  { LENO_GATEWAY_HOST: '::' },
  { LENO_WORKERS: '0' },
  { LENO_WORKERS: '65' },
  { LENO_WORKERS: 'all' },
])('%o is refused, by name', (more) => {
  const [complaint, ...others] = complaints(more);
  expect(complaint).toContain(Object.keys(more)[0]);
  expect(others).toEqual([]);
});

test('names are asked for where it is said', () => {
  const servers = '10.0.0.2,[fd00::2]:5353,127.0.0.1:53';
  const settings = readSettings({ ...needed, LENO_DNS_SERVERS: servers }, []);
  expect(settings.LENO_DNS_SERVERS).toEqual(servers.split(','));
  expect(readSettings(needed, []).LENO_DNS_SERVERS).toEqual([]);
});

test.each([
  { text: '1', count: 1 },
  { text: '64', count: 64 },
  { text: 'auto', count: Math.min(64, availableParallelism()) },
])('LENO_WORKERS=$text', ({ text, count }) => {
  expect(readSettings({ ...needed, LENO_WORKERS: text }, []).LENO_WORKERS).toBe(count);
});

test.each([
  { flags: ['--service', 'shop'], service: 'shop' },
  { flags: ['--service=shop'], service: 'shop' },
])('a flag wins over the variable: $flags', ({ flags, service }) => {
  expect(readSettings(needed, flags).LENO_SERVICE).toBe(service);
});

test('a flag takes no other flag for its value', () => {
  expect(complaints({}, ['--version', '--namespace', 'x'])).toEqual(['--version has no value']);
});

test('a variable that nobody knows is told, not refused', () => {
  expect(unknownVariables({ ...needed, LENO_SERVCE: 'x', PATH: '/bin' })).toEqual(['LENO_SERVCE']);
  expect(complaints({ LENO_SERVCE: 'x' })).toEqual([]);
});
