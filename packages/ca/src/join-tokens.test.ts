import { expect, test } from 'vitest';
import { type JoinTokenOptions, JoinTokens, MemoryJoinTokenStore } from './join-tokens.ts';

const spiffeId = 'spiffe://mesh.local/ns/test/sa/client';
const minuteMs = 60_000;

function start(options: Partial<JoinTokenOptions> = {}) {
  const store = new MemoryJoinTokenStore();
  return { store, tokens: new JoinTokens({ store, ...options }) };
}

test('a token lets in whom it is bound to, once', async () => {
  const { tokens } = start();
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  expect(token).toMatch(/^leno-join-[A-Za-z0-9_-]{43}$/);
  expect(await tokens.consume(token, 1)).toEqual({ ok: true, value: spiffeId });
  expect(await tokens.consume(token, 1)).toMatchObject({
    ok: false,
    error: { code: 'LENO_JOIN_TOKEN_REFUSED', because: 'unknown-or-used' },
  });
});

test('of many that present a token at once, one gets in', async () => {
  const { tokens } = start();
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  const results = await Promise.all(Array.from({ length: 20 }, () => tokens.consume(token, 1)));
  expect(results.filter(({ ok }) => ok)).toHaveLength(1);
});

test('a look at a token does not spend it', async () => {
  const { tokens } = start();
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  expect(await tokens.peek(token, 1)).toEqual({ ok: true, value: spiffeId });
  expect(await tokens.consume(token, 1)).toEqual({ ok: true, value: spiffeId });
  expect((await tokens.peek(token, 1)).ok).toBe(false);
});

test('the store never sees the token, nor what it could be told from', async () => {
  const written: unknown[] = [];
  const { store, tokens } = start();
  const put = store.put.bind(store);
  store.put = (record) => {
    written.push(record);
    put(record);
  };
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  expect(JSON.stringify(written)).not.toContain(token.slice('leno-join-'.length));
  expect(written).toEqual([
    { hash: expect.stringMatching(/^[0-9a-f]{64}$/), spiffeId, expiresAtMs: 10 * minuteMs },
  ]);
});

test.each([
  { atMs: 10 * minuteMs - 1, expected: { ok: true } },
  { atMs: 10 * minuteMs, expected: { ok: false, error: { because: 'expired' } } },
])('a token lives 10 minutes unless said otherwise', async ({ atMs, expected }) => {
  const { tokens } = start();
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  expect(await tokens.consume(token, atMs)).toMatchObject(expected);
});

test.each(['', 'leno-join-', `leno-join-${'a'.repeat(44)}`, `leno-join-${'a'.repeat(42)}\n`])(
  '%j is malformed, and the store is not asked',
  async (token) => {
    const { store, tokens } = start();
    store.take = () => expect.unreachable();
    expect(await tokens.consume(token, 0)).toMatchObject({ error: { because: 'malformed' } });
  },
);

test('a record that a careless store gives for another hash lets nobody in', async () => {
  const { store, tokens } = start();
  const { token } = await tokens.create({ spiffeId, nowMs: 0 });
  store.take = () => ({ hash: '0'.repeat(64), spiffeId, expiresAtMs: minuteMs });
  expect((await tokens.consume(token, 1)).ok).toBe(false);
});

test.each([
  { what: 'over the default', ttlMs: 10 * minuteMs + 1, ttlMaxMs: undefined, ok: false },
  { what: 'over one set', ttlMs: 61 * minuteMs, ttlMaxMs: 60 * minuteMs, ok: false },
  { what: 'within one set', ttlMs: 60 * minuteMs, ttlMaxMs: 60 * minuteMs, ok: true },
  { what: 'of none', ttlMs: 0, ttlMaxMs: undefined, ok: false },
])('a life $what: $ok', async ({ ttlMs, ttlMaxMs, ok }) => {
  const { tokens } = start(ttlMaxMs === undefined ? {} : { ttlMaxMs });
  const made = tokens.create({ spiffeId, nowMs: 0, ttlMs });
  if (ok) expect((await made).expiresAtMs).toBe(ttlMs);
  else await expect(made).rejects.toMatchObject({ code: 'LENO_JOIN_TOKEN_REQUEST' });
});

test('no engine gives out tokens of more than 24 hours', () => {
  expect(() => start({ ttlMaxMs: 24 * 60 * minuteMs + 1 })).toThrow('ttlMaxMs');
});

test.each(['spiffe://mesh.local', 'spiffe://mesh.local/../x', 'client'])(
  'no token is made for %s',
  async (name) => {
    const made = start().tokens.create({ spiffeId: name, nowMs: 0 });
    await expect(made).rejects.toMatchObject({ code: 'LENO_JOIN_TOKEN_REQUEST' });
  },
);

test('the bound on outstanding tokens is kept and counted, and expiry makes room', async () => {
  const { tokens } = start({ tokenCountMax: 2 });
  await tokens.create({ spiffeId, nowMs: 0 });
  await tokens.create({ spiffeId, nowMs: 0 });
  await expect(tokens.create({ spiffeId, nowMs: 1 })).rejects.toThrow('outstanding');
  expect(tokens.limitRefusedCount).toBe(1);
  await tokens.create({ spiffeId, nowMs: 10 * minuteMs });
});
