import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BodySink, OutgoingRequest } from './exchange.ts';
import { FieldList } from './fields.ts';
import { answering, bed, bytes, exchange, get, limits, OK, post } from './testing/pool-bed.ts';
import { turn } from './testing/server-bed.ts';
import { CollectingSink, RecordedTry } from './testing/sinks.ts';

// A request
it('is written canonically, in one piece, and its events come in order after the call', async () => {
  const { upstream, pool } = await bed(answering(OK));
  const events = new RecordedTry();
  const outgoing = {
    ...get,
    fields: FieldList.of([
      ['A', 'b'],
      ['content-length', '9'],
      ['connection', 'x'],
    ]),
  };
  pool.request(outgoing, events);
  expect(events.log).toEqual([]);
  expect(await events.outcome).toBe('end');
  expect(events.log).toEqual(['sent', 'head 200']);
  expect(events.body.text).toBe('ok');
  expect((await upstream.peer(0)).text).toBe(
    'GET /p?q HTTP/1.1\r\nhost: svc.local\r\nA: b\r\n\r\n',
  );
});

it.each<[string, OutgoingRequest, (body: BodySink) => void, string]>([
  [
    'in chunks with trailers',
    post,
    (body) => {
      body.write(bytes('one'));
      body.end(FieldList.of([['x-t', '1']]));
    },
    'POST /p?q HTTP/1.1\r\nhost: svc.local\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\nx-t: 1\r\n\r\n',
  ],
  [
    'with a length',
    { ...post, contentLength: 3 },
    (body) => {
      body.write(bytes('on'));
      body.write(bytes('e'));
      body.end();
    },
    'POST /p?q HTTP/1.1\r\nhost: svc.local\r\ncontent-length: 3\r\n\r\none',
  ],
  [
    'that is empty',
    { ...post, contentLength: 0 },
    () => undefined,
    'POST /p?q HTTP/1.1\r\nhost: svc.local\r\ncontent-length: 0\r\n\r\n',
  ],
])('has a body %s', async (_, outgoing, send, expected) => {
  const { upstream, pool } = await bed();
  for (const round of [0, 1]) {
    const events = new RecordedTry();
    const attempt = pool.request(outgoing, events);
    send(attempt.body);
    const peer = await upstream.peer(0);
    await peer.read(expected);
    expect(peer.text).toBe(expected);
    peer.clear();
    peer.send(OK);
    await events.outcome;
    expect(events.log[0]).toBe(round === 0 ? 'sent' : 'sent reused');
  }
});

it('CVE-style injection: what would break the start line is never sent', async () => {
  const { upstream, pool } = await bed(answering(OK));
  for (const bad of [
    { target: '/a b' },
    { target: '/a\r\nx: y' },
    { authority: 'a\r\nb' },
    { method: 'GET /x' },
  ]) {
    const events = await exchange(pool, { ...get, ...bad });
    expect(events.log).toEqual(['failure connect-failed unprocessed']);
  }
  expect(upstream.peers).toHaveLength(0);
});

it('holds its body back until there is a connection', async () => {
  const { upstream, pool } = await bed();
  const attempt = pool.request(post, new RecordedTry());
  const drained = new Promise<void>((resolve) => {
    attempt.body.onDrain = resolve;
  });
  expect(attempt.body.write(bytes('early'))).toBe(false);
  await drained;
  expect(attempt.body.write(bytes('late'))).toBe(true);
  const peer = await upstream.peer(0);
  expect(await peer.read('late')).toContain('5\r\nearly\r\n4\r\nlate\r\n');
});

// Replies
const cases: readonly (readonly [string, string, boolean, string, string, 'kept' | 'gone'])[] = [
  ['a length', OK, false, 'end', 'ok', 'kept'],
  [
    'chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n',
    false,
    'end',
    'ok',
    'kept',
  ],
  ['nothing', 'HTTP/1.1 204 No Content\r\n\r\n', false, 'end', '', 'kept'],
  ['until the close', 'HTTP/1.1 200 OK\r\n\r\nok', true, 'end', 'ok', 'gone'],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', false, 'end', 'ok', 'gone'],
  [
    'Connection: close',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    false,
    'end',
    'ok',
    'gone',
  ],
  [
    'a second reply unasked',
    `${OK}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nNO`,
    false,
    'end',
    'ok',
    'gone',
  ],
  [
    '304 with a body',
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    false,
    'end',
    '',
    'gone',
  ],
  [
    'a cut length',
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    true,
    'abort',
    'hello',
    'gone',
  ],
  [
    'cut chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    true,
    'abort',
    'hello',
    'gone',
  ],
  [
    'bad chunks',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\ny\r\nok\r\n0\r\n\r\n',
    false,
    'abort',
    '',
    'gone',
  ],
  [
    'a bad head',
    'HTTP/1.1 200 OK\nContent-Length: 2\n\nok',
    false,
    'upstream-protocol',
    '',
    'gone',
  ],
  ['garbage', 'garbage\r\n\r\n', false, 'upstream-protocol', '', 'gone'],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello',
    false,
    'upstream-protocol',
    '',
    'gone',
  ],
  [
    'a large head',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`,
    false,
    'upstream-protocol',
    '',
    'gone',
  ],
  [
    '101 unasked',
    'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    false,
    'upstream-protocol',
    '',
    'gone',
  ],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-', true, 'upstream-protocol', '', 'gone'],
  ['nothing, ended in order', '', true, 'upstream-protocol', '', 'gone'],
  [
    'seventeen interim ones',
    'HTTP/1.1 103 X\r\n\r\n'.repeat(17),
    false,
    'upstream-protocol',
    '',
    'gone',
  ],
];

it.each(cases)('%s', async (...row) => {
  const [, reply, halfClose, outcome, body, connection] = row;
  const { pool } = await bed((peer, index) => {
    peer.socket.on('data', () => {
      if (index > 0) return peer.send('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ncontrol');
      peer.send(peer.text.startsWith('GET /p?q') ? reply : OK);
      if (halfClose) peer.socket.end();
      peer.text = '';
    });
  });
  const events = await exchange(pool);
  expect([await events.outcome, events.body.text]).toEqual([outcome, body]);
  expect(events.body.endings).toHaveLength(outcome === 'end' || outcome === 'abort' ? 1 : 0);
  await turn();
  expect(pool.stats.idleCount).toBe(connection === 'kept' ? 1 : 0);
  const next = await exchange(pool, { ...get, target: '/control' });
  expect(next.body.text).toBe(connection === 'kept' ? 'ok' : 'control');
});

it('response queue poisoning: a reply too many is not given to a request that waits', async () => {
  const surplus = OK.replace('ok', 'NO');
  const { pool } = await bed(
    (peer, index) => {
      peer.socket.on('data', () => peer.send(index === 0 ? OK + surplus : OK));
    },
    { limits: { ...limits, connectionCountMax: 1 } },
  );
  const tries = await Promise.all([exchange(pool), exchange(pool)]);
  expect(tries.map((events) => events.body.text)).toEqual(['ok', 'ok']);
  expect(pool.stats).toMatchObject({ connectCount: 2, reusedCount: 0, discardedCount: 1 });
});

it('passes interim replies on, in order', async () => {
  const { pool } = await bed(
    answering(`HTTP/1.1 103 X\r\nA: b\r\n\r\nHTTP/1.1 102 Y\r\n\r\n${OK}`),
  );
  expect((await exchange(pool)).log).toEqual(['sent', 'interim 103', 'interim 102', 'head 200']);
});

it('an early reply is delivered, and its connection not used again', async () => {
  const { upstream, pool } = await bed(answering('HTTP/1.1 413 X\r\nContent-Length: 0\r\n\r\n'));
  const events = new RecordedTry();
  const attempt = pool.request({ ...post, contentLength: 1_000 }, events);
  attempt.body.write(bytes('part'));
  expect(await events.outcome).toBe('end');
  expect(attempt.body.write(bytes('more'))).toBe(true);
  attempt.body.end();
  await (await upstream.peer(0)).end();
  expect(pool.stats).toMatchObject({ idleCount: 0, connectionCount: 0, discardedCount: 1 });
});

it('stops reading while the sink is full', async () => {
  const size = 16_000_000;
  const { upstream, pool } = await bed((peer) => {
    peer.socket.once('data', () => {
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      peer.socket.write(Buffer.alloc(size, 'x'));
    });
  });
  let full = true;
  const events = new RecordedTry(new CollectingSink(() => !full));
  pool.request(get, events);
  while (events.body.text === '') await turn();
  for (let round = 0; round < 50; round += 1) await turn();
  expect(events.body.text.length).toBeLessThan(512 * 1024);
  expect((await upstream.peer(0)).socket.writableLength).toBeGreaterThan(0);
  full = false;
  events.body.onDrain?.();
  expect([await events.outcome, events.body.text.length]).toEqual(['end', size]);
});

// Connections
it('are reused, the last one first, and closed when idle', async () => {
  const { upstream, pool, time } = await bed(answering(OK));
  await Promise.all([exchange(pool), exchange(pool), exchange(pool)]);
  expect(pool.stats).toMatchObject({ connectionCount: 3, idleCount: 3, connectCount: 3 });
  time.advance(6_000);
  for (let round = 0; round < 5; round += 1) await exchange(pool);
  expect(pool.stats).toMatchObject({ connectionCount: 3, reusedCount: 5 });
  const busiest = upstream.peers
    .map((peer) => peer.text.split('GET').length - 1)
    .toSorted((a, b) => a - b);
  expect(busiest).toEqual([1, 1, 6]);
  time.advance(5_000);
  expect(pool.stats).toMatchObject({ connectionCount: 1, idleClosedCount: 2 });
  time.advance(10_000);
  expect(pool.stats.connectionCount).toBe(0);
  expect(time.timerCount).toBe(0);
});

it('serve a thousand requests one after the other on one connection', async () => {
  const { pool } = await bed(answering(OK));
  for (let round = 0; round < 1_000; round += 1) {
    const events = new RecordedTry();
    pool.request(get, events);
    if ((await events.outcome) !== 'end') throw new Error(events.log.join());
  }
  expect(pool.stats).toMatchObject({
    connectCount: 1,
    requestCount: 1_000,
    reusedCount: 999,
    activeCount: 0,
  });
});

it('are closed before the upstream would: Keep-Alive less a second', async () => {
  const { pool, time } = await bed(
    answering('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n'),
  );
  await exchange(pool);
  time.advance(3_999);
  expect(pool.stats.idleCount).toBe(1);
  time.advance(1);
  expect(pool.stats.idleCount).toBe(0);
});

it('with unasked bytes while idle are closed', async () => {
  const { upstream, pool } = await bed(answering(OK));
  await exchange(pool);
  const peer = await upstream.peer(0);
  peer.send(OK);
  await peer.end();
  expect(pool.stats).toMatchObject({ idleCount: 0, connectionCount: 0 });
});

it('that the upstream closes while idle are not used', async () => {
  const { upstream, pool } = await bed(answering(OK));
  await exchange(pool);
  (await upstream.peer(0)).socket.end();
  while (pool.stats.idleCount > 0) await turn();
  expect((await exchange(pool)).log).toEqual(['sent', 'head 200']);
});

it('can be unix sockets', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'http-'));
  const path = join(directory, 'app.sock');
  const server = createServer((socket) => socket.on('data', () => socket.end(OK)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const { pool } = await bed(undefined, { address: `unix:${path}`, port: 0 });
  expect((await exchange(pool)).body.text).toBe('ok');
  server.close();
  rmSync(directory, { recursive: true });
});

it('an upgrade becomes a tunnel, and so does CONNECT', async () => {
  for (const [outgoing, reply] of [
    [
      { ...get, upgrade: 'echo' },
      'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: Echo\r\n\r\nhi',
    ],
    [{ ...get, method: 'CONNECT', target: '' }, 'HTTP/1.1 200 OK\r\n\r\nhi'],
  ] as const) {
    const { upstream, pool } = await bed();
    const events = new RecordedTry();
    pool.request(outgoing, events);
    const peer = await upstream.peer(0);
    await peer.read('\r\n\r\n');
    peer.send(reply);
    expect(await events.outcome).toBe('tunnel');
    events.toPeer?.write(bytes('up'));
    await peer.read('up');
    peer.send('down');
    peer.socket.end();
    expect([await events.body.outcome, events.body.text]).toEqual(['end', 'hidown']);
    events.toPeer?.end();
    await peer.close();
    while (pool.stats.connectionCount > 0) await turn();
  }
});

describe('bounds', () => {
  it('pending: those beyond wait for nobody', async () => {
    const { upstream, pool } = await bed(undefined, {
      limits: { connectionCountMax: 1, pendingCountMax: 1, requestCountMax: 99 },
    });
    const tries = [new RecordedTry(), new RecordedTry(), new RecordedTry()];
    pool.request(get, tries[0] as RecordedTry);
    await (await upstream.peer(0)).read('GET');
    for (const events of tries.slice(1)) pool.request(get, events);
    expect(tries[2]?.log).toEqual([]);
    expect(await tries[2]?.outcome).toBe('overflow');
    expect(tries[2]?.failure?.unprocessed).toBe(true);
    expect(pool.stats).toMatchObject({
      pendingCount: 1,
      pendingOverflowCount: 1,
      connectionCount: 1,
    });
    (await upstream.peer(0)).send(OK);
    expect(await tries[0]?.outcome).toBe('end');
    (await upstream.peer(0)).send(OK);
    expect(await tries[1]?.outcome).toBe('end');
    expect(tries[1]?.log[0]).toBe('sent reused');
  });

  it('requests: those beyond are refused at once', async () => {
    const { pool } = await bed(undefined, { limits: { ...limits, requestCountMax: 2 } });
    pool.request(get, new RecordedTry());
    pool.request(get, new RecordedTry());
    expect((await exchange(pool)).log).toEqual(['failure overflow unprocessed']);
    expect(pool.stats.requestOverflowCount).toBe(1);
    pool.setLimits({ ...limits, requestCountMax: 4 });
    const events = new RecordedTry();
    pool.request(get, events);
    await events.sent;
  });

  it('drain: idle ones go at once, a reply in flight comes to its end, new requests are refused', async () => {
    const { upstream, pool } = await bed();
    const events = new RecordedTry();
    pool.request(get, events);
    const peer = await upstream.peer(0);
    await peer.read('GET');
    pool.drain();
    expect((await exchange(pool)).log).toEqual(['failure connect-failed unprocessed']);
    peer.send(OK);
    expect(await events.outcome).toBe('end');
    await peer.end();
    expect(pool.stats.connectionCount).toBe(0);
  });

  it('close: what is in flight and what waits fails', async () => {
    const { upstream, pool } = await bed(undefined, {
      limits: { ...limits, connectionCountMax: 1 },
    });
    const [flying, waiting] = [new RecordedTry(), new RecordedTry()];
    pool.request(get, flying);
    await (await upstream.peer(0)).read('GET');
    pool.request(get, waiting);
    pool.close();
    expect([await flying.outcome, await waiting.outcome]).toEqual([
      'upstream-reset',
      'connect-failed',
    ]);
  });
});
