/** Every limit is met over real sockets, and seen where a scraper sees it. */
import { readFile } from 'node:fs/promises';
import { Server, type Socket } from 'node:net';
import {
  type ClientPool,
  FieldList,
  type H2Limits,
  type HttpServerOptions,
  type ServerLimits,
  type TlsClientOptions,
  UpstreamH2Pool,
  UpstreamPool,
} from '@leno/http';
import { err, systemClock, systemTimers, Watch } from '@leno/std';
import { afterEach, expect, test, vi } from 'vitest';
import {
  ask,
  capOfOne,
  frame,
  greeting,
  type ListenerBed,
  open,
  openListener,
  openTcpListener,
  openUpstream,
  repeat,
  Scrape,
} from '../testing/limit-bed.ts';
import { UpstreamLimitMetrics } from './limit-metrics.ts';
import { type Limit, listenerLimits, tcpLimits, upstreamLimits } from './limit-table.ts';
import { accessLimits, egressLimits } from './table-limits.ts';

afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each.close();
});

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const post = (path: string, length: number) =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
const uint32 = (value: number) => `\0\0${String.fromCharCode(value >>> 8, value & 0xff)}`;
const noTls: TlsClientOptions = { key: '', cert: '', ca: '', verifyPeer: () => err('nobody') };

interface Row {
  readonly limit: string;
  readonly limits?: Partial<ServerLimits>;
  readonly more?: Partial<HttpServerOptions>;
  readonly provoke: (bed: ListenerBed) => unknown;
}

const rows: readonly Row[] = [
  {
    limit: 'connections',
    limits: { connectionCountMax: 1 },
    provoke: ({ dial }) => [dial(get('/')), dial(get('/'))],
  },
  {
    limit: 'total_connections',
    more: { cap: capOfOne() },
    provoke: ({ dial }) => [dial(get('/')), dial(get('/'))],
  },
  { limit: 'accept', provoke: () => listening().emit('error', new Error('EMFILE')) },
  {
    limit: 'handshake',
    more: { tls: noTls, allowPlain: () => false },
    provoke: ({ dial }) => dial(get('/')),
  },
  {
    limit: 'head',
    limits: { headByteCountMax: 1_000 },
    provoke: ({ dial }) => dial(get('/', `X: ${'x'.repeat(1_000)}\r\n`)),
  },
  {
    limit: 'head',
    limits: { fieldCountMax: 3 },
    provoke: ({ dial }) => dial(get('/', 'X: 1\r\nX: 2\r\nX: 3\r\n')),
  },
  {
    limit: 'head',
    limits: { headByteCountMax: 50 },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/')),
  },
  { limit: 'body', limits: { bodyByteCountMax: 9 }, provoke: ({ dial }) => dial(post('/', 10)) },
  {
    limit: 'body',
    limits: { bodyByteCountMax: 9 },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/read', 'POST'), frame(0, 0, 1, '0123456789')),
  },
  {
    limit: 'streams',
    more: { http2: { streamCountMax: 1 } },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/hang'), ask(3, '/hang')),
  },
  {
    limit: 'head_timeout',
    limits: { headTimeoutMs: 30 },
    provoke: ({ dial }) => dial('GET / HT'),
  },
  { limit: 'head_timeout', limits: { headTimeoutMs: 30 }, provoke: ({ dial }) => dial('PRI * HT') },
  {
    limit: 'head_timeout',
    limits: { headTimeoutMs: 30 },
    more: { tls: noTls, allowPlain: () => true },
    provoke: ({ dial }) => dial(),
  },
  {
    limit: 'head_timeout',
    limits: { headTimeoutMs: 30 },
    provoke: ({ dial }) => dial(greeting(), frame(1, 1, 1, '\x82')),
  },
  { limit: 'idle_timeout', limits: { idleTimeoutMs: 30 }, provoke: ({ dial }) => dial() },
  { limit: 'idle_timeout', limits: { idleTimeoutMs: 30 }, provoke: ({ dial }) => dial(get('/')) },
  {
    limit: 'idle_timeout',
    limits: { idleTimeoutMs: 30 },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/')),
  },
  {
    limit: 'stall_timeout',
    limits: { stallTimeoutMs: 30 },
    provoke: ({ dial }) => dial(post('/read', 10), 'stalls'),
  },
  {
    limit: 'stall_timeout',
    limits: { stallTimeoutMs: 30 },
    provoke: ({ dial }) => dial(get('/large')).pause(),
  },
  {
    limit: 'stall_timeout',
    limits: { stallTimeoutMs: 30 },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/large')),
  },
  {
    limit: 'stream_idle_timeout',
    limits: { tunnelIdleTimeoutMs: 30 },
    provoke: ({ dial }) => dial(get('/tunnel', 'Connection: upgrade\r\nUpgrade: x\r\n')),
  },
  {
    limit: 'stream_idle_timeout',
    limits: { tunnelIdleTimeoutMs: 100 },
    more: { http2: { streamIdleTimeoutMs: 30 } },
    provoke: ({ dial }) => dial(greeting(), ask(1, '/read', 'POST')),
  },
  {
    limit: 'discard',
    limits: { discardByteCountMax: 9 },
    provoke: ({ dial }) => dial(post('/', 100), '0123456789'),
  },
  {
    limit: 'drain',
    provoke: async ({ server, dial }) => {
      dial(get('/hang'));
      await vi.waitUntil(() => server.stats.activeRequestCount > 0, { interval: 1 });
      await server.drain(10);
    },
  },
  {
    limit: 'half_close',
    more: { halfCloseGraceMs: 30 },
    provoke: ({ dial }) => dial(get('/hang')).end(),
  },
  {
    limit: 'settings_timeout',
    limits: { idleTimeoutMs: 100 },
    more: { http2: { settingsTimeoutMs: 30 } },
    provoke: ({ dial }) => dial(greeting(false)),
  },
  {
    limit: 'continuation_flood',
    provoke: ({ dial }) => dial(greeting(), frame(1, 1, 1, '\x82'), repeat(17, frame(9, 0, 1))),
  },
  {
    limit: 'settings_flood',
    provoke: ({ dial }) => dial(greeting(), repeat(50, frame(4, 0, 0))),
  },
  {
    limit: 'ping_flood',
    provoke: ({ dial }) => dial(greeting(), repeat(501, frame(6, 0, 0, '12345678'))),
  },
  {
    limit: 'empty_data_flood',
    provoke: ({ dial }) => dial(greeting(), ask(1, '/read', 'POST'), repeat(101, frame(0, 0, 1))),
  },
  {
    limit: 'window_update_flood',
    provoke: ({ dial }) => dial(greeting(), repeat(1_001, frame(8, 0, 0, uint32(1)))),
  },
  {
    limit: 'idle_frame_flood',
    provoke: ({ dial }) => dial(greeting(), repeat(1_001, frame(99, 0, 0))),
  },
  {
    limit: 'refused_stream_flood',
    more: { http2: { streamCountMax: 1, refusedStreamRateMax: 5 } },
    provoke: ({ dial }) =>
      dial(greeting(), ...Array.from({ length: 7 }, (_, index) => ask(1 + 2 * index, '/hang'))),
  },
  {
    limit: 'early_reset_flood',
    more: { http2: { earlyResetCountMax: 5 } },
    provoke: ({ dial }) =>
      dial(
        greeting(),
        ...Array.from({ length: 5 }, (_, index) => [
          ask(1 + 2 * index, '/hang'),
          frame(3, 0, 1 + 2 * index, uint32(8)),
        ]).flat(),
      ),
  },
];

/** The listener of the bed that was opened last, to be told what the system would tell it. */
function listening(): Server {
  const [server] = listenSpy.mock.contexts.slice(-1);
  if (!(server instanceof Server)) throw new Error('nothing listens');
  return server;
}
let listenSpy = vi.spyOn(Server.prototype, 'listen');

/** Where one limit cannot be met without another, the other. */
const besides: Readonly<Record<string, string>> = { refused_stream_flood: 'streams' };

test.each(rows.map((row, index) => ({ ...row, name: `${row.limit} (row ${index})` })))(
  'a listener counts $name once, and nothing else',
  async ({ limit, limits = {}, more = {}, provoke }) => {
    listenSpy = vi.spyOn(Server.prototype, 'listen');
    const bed = await openListener({ ...more, limits });
    await provoke(bed);
    const met = await bed.scrape.until('leno_limit_reached_total', limit);
    const allowed = [limit, besides[limit]].filter((each) => each !== undefined);
    expect(allowed).toEqual(expect.arrayContaining(Object.keys(met)));
    expect(met[limit]).toBe(1);
  },
);

test('there is a row for every limit of a listener', () => {
  const names = listenerLimits.map(({ limit }) => limit);
  expect([...new Set(rows.map(({ limit }) => limit))]).toEqual(names);
});

test.each([
  { limit: 'connections', options: { connectionCountMax: 1 } },
  { limit: 'total_connections', options: { cap: capOfOne() } },
  { limit: 'accept', options: {} },
])('a listener for TCP counts $limit once, and nothing else', async ({ limit, options }) => {
  listenSpy = vi.spyOn(Server.prototype, 'listen');
  const { server, scrape, dial } = await openTcpListener(options);
  dial();
  await expect.poll(() => server.stats.connectionCount).toBe(1);
  if (limit === 'accept') listening().emit('error', new Error('EMFILE'));
  else dial();
  expect(await scrape.until('leno_limit_reached_total', limit)).toEqual({ [limit]: 1 });
  // What was seen before is not counted again.
  expect(scrape.met('leno_limit_reached_total')).toEqual({ [limit]: 1 });
  server.relieve('deaf');
  dial();
  await expect
    .poll(() => scrape.values('leno_overload_shed_total'))
    .toEqual({ 'tcp connection': 1 });
  expect(scrape.values('leno_listener_connections')).toEqual({ tcp: 1 });
  expect(scrape.values('leno_listener_accepted_total')).toEqual({
    tcp: limit === 'accept' ? 2 : 3,
  });
});

test('there is a row for every limit of a listener for TCP', () => {
  expect(tcpLimits.map(({ limit }) => limit)).toEqual([
    'connections',
    'total_connections',
    'accept',
  ]);
});

const request = {
  ...{ method: 'GET', target: '/', authority: 'a', upgrade: undefined, contentLength: 0 },
  fields: new FieldList(),
};

/** One request through a pool; resolves when its reply is whole or it has failed. */
function send(pool: UpstreamPool | UpstreamH2Pool): Promise<string> {
  return new Promise((resolve) => {
    const sink = {
      onDrain: undefined,
      write: () => true,
      end: () => resolve('reply'),
      abort: () => resolve('broken'),
    };
    pool.request(request, {
      onSent: () => undefined,
      onInterim: () => undefined,
      onHead: () => sink,
      onTunnel: () => sink,
      onFailure: ({ reason }) => resolve(reason),
    });
  });
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

interface UpstreamRow {
  readonly limit: string;
  readonly limits?: { readonly pendingCountMax?: number; readonly requestCountMax?: number };
  readonly isTls?: boolean;
  readonly isHttp2?: boolean;
  readonly http2?: Partial<H2Limits>;
  readonly requestCount: number;
  readonly serve: (socket: Socket) => void;
}

const upstreamRows: readonly UpstreamRow[] = [
  { limit: 'pending', limits: { pendingCountMax: 0 }, requestCount: 1, serve: () => undefined },
  { limit: 'requests', limits: { requestCountMax: 1 }, requestCount: 2, serve: () => undefined },
  { limit: 'connect_timeout', isTls: true, requestCount: 1, serve: () => undefined },
  {
    limit: 'idle_timeout',
    requestCount: 1,
    serve: (socket) => socket.on('data', () => socket.write(ok)),
  },
  {
    limit: 'ping_timeout',
    isHttp2: true,
    http2: { pingIntervalMs: 30, pingTimeoutMs: 30 },
    requestCount: 1,
    serve: (socket) => socket.write(frame(4, 0, 0)),
  },
  {
    limit: 'http2',
    isHttp2: true,
    requestCount: 1,
    serve: (socket) => socket.write(repeat(51, frame(4, 0, 0))),
  },
];

test.each(upstreamRows)('an upstream that meets $limit shows', async (row) => {
  const port = await openUpstream(row.serve);
  const options = {
    ...{ address: '127.0.0.1', port, connectTimeoutMs: 100, idleTimeoutMs: 30 },
    limits: { connectionCountMax: 1, pendingCountMax: 9, requestCountMax: 9, ...row.limits },
    ...{ clock: systemClock, timers: systemTimers },
    ...(row.http2 === undefined ? {} : { http2: row.http2 }),
    tls: row.isTls === true ? new Watch<TlsClientOptions>(noTls) : undefined,
  };
  const pool = row.isHttp2 === true ? new UpstreamH2Pool(options) : new UpstreamPool(options);
  open.push(pool);
  const scrape = new Scrape();
  const upstream = new UpstreamLimitMetrics(scrape.metrics);
  const shop = { name: 'default/shop', endpoints: [{ pool }] };
  const none = { name: 'application', endpoints: [] };
  scrape.store.onCollect(() => upstream.collect(none, [shop]));
  for (let index = 0; index < row.requestCount; index += 1) void send(pool);
  const met = await scrape.until('leno_upstream_limit_reached_total', row.limit);
  expect(met).toEqual({ [row.limit]: 1 });
  // What was seen before is not counted again.
  expect(scrape.met('leno_upstream_limit_reached_total')).toEqual(met);
});

/** A pool that counts what the test says. */
function countingPool() {
  const stats = { connectionCount: 1, activeCount: 1, pendingCount: 0, pendingOverflowCount: 0 };
  return { stats, pool: { stats } as unknown as ClientPool };
}

test('what an endpoint that has left counts is kept with its service, until that has left too', () => {
  const scrape = new Scrape();
  const upstream = new UpstreamLimitMetrics(scrape.metrics);
  const [old, next, brief] = [countingPool(), countingPool(), countingPool()];
  const shop = { name: 'default/shop', endpoints: [old] };
  const none = { name: 'application', endpoints: [] };
  const clusters = [shop];
  scrape.store.onCollect(() => upstream.collect(none, clusters));
  const pending = () => scrape.met('leno_upstream_limit_reached_total')['pending'] ?? 0;
  old.stats.pendingOverflowCount = 3;
  expect(pending()).toBe(3);
  old.stats.pendingOverflowCount += 2; // Since the last scrape.
  shop.endpoints = [next];
  upstream.left(shop.name, old.pool);
  old.stats.pendingOverflowCount += 4; // While it drains.
  expect(pending()).toBe(9);
  old.stats.pendingOverflowCount += 1; // Its last word comes before another one leaves.
  Object.assign(old.stats, { connectionCount: 0, activeCount: 0 });
  brief.stats.pendingOverflowCount = 10; // Came and went between two scrapes.
  upstream.left(shop.name, brief.pool);
  expect(pending()).toBe(20);
  // It has drained, and is looked at no more.
  old.stats.pendingOverflowCount += 100;
  expect(pending()).toBe(20);
  // The scrape itself finds out as well.
  Object.assign(brief.stats, { connectionCount: 0, activeCount: 0 });
  expect(pending()).toBe(20);
  brief.stats.pendingOverflowCount += 100;
  expect(pending()).toBe(20);
  clusters.pop();
  upstream.left(shop.name, next.pool);
  upstream.left('default/brief', countingPool().pool);
  const series = () => scrape.names('leno_upstream_limit_reached_total', 'peer');
  expect(series()).toEqual(new Set());
  brief.stats.pendingOverflowCount += 1;
  expect(series()).toEqual(new Set());
});

test('a pool that another service still uses is counted once when one lets go of it', () => {
  const scrape = new Scrape();
  const upstream = new UpstreamLimitMetrics(scrape.metrics);
  const { pool, stats } = countingPool();
  const [shop, shopV2] = [
    { name: 'default/shop', endpoints: [{ pool }] },
    { name: 'default/shop-v2', endpoints: [{ pool }] },
  ];
  const none = { name: 'application', endpoints: [] };
  scrape.store.onCollect(() => upstream.collect(none, [shop, shopV2]));
  stats.pendingOverflowCount = 1;
  const byPeer = () => scrape.values('leno_upstream_limit_reached_total');
  expect(byPeer()).toEqual({ 'default/shop pending': 1 });
  shop.endpoints = [];
  upstream.left(shop.name, pool);
  stats.pendingOverflowCount = 2;
  expect(byPeer()).toEqual({ 'default/shop pending': 1, 'default/shop-v2 pending': 1 });
  Object.assign(stats, { connectionCount: 0, activeCount: 0 });
  stats.pendingOverflowCount = 3;
  expect(byPeer()).toEqual({ 'default/shop pending': 1, 'default/shop-v2 pending': 2 });
});

test('there is a row for every limit of an upstream', () => {
  expect(upstreamRows.map(({ limit }) => limit)).toEqual(upstreamLimits.map(({ limit }) => limit));
});

test('the README has every limit as the table has it', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const line = ({ limit, what, fallback, setting }: Limit<never>) =>
    `| \`${limit}\` | ${what} | ${fallback} | ${setting} |`;
  const limits = [listenerLimits, tcpLimits, upstreamLimits, egressLimits, accessLimits];
  const lines = limits.flatMap((each) => each.map(line));
  expect(lines.filter((each) => !readme.includes(each))).toEqual([]);
});
