import { describe, expect, it } from 'vitest';
import { LINGER_MS } from './connection-host.ts';
import type { ServerExchange } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import { deferred } from './testing/deferred.ts';
import { bytes, get, noFields, post, reply, serve, turn } from './testing/server-bed.ts';
import { CollectingSink } from './testing/sinks.ts';

// Replies
it.each<[string, string, (exchange: ServerExchange) => void, string]>([
  [
    'with a whole body',
    get('/'),
    (x) => reply(x, 'hi'),
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi',
  ],
  [
    'in chunks',
    get('/'),
    (x) => {
      const sink = x.respond({
        status: 201,
        fields: FieldList.of([['a', 'b']]),
        contentLength: undefined,
      });
      sink.write(bytes('one'));
      sink.write(bytes(''));
      sink.write(bytes('two'));
      sink.end(FieldList.of([['x-t', '1']]));
    },
    'HTTP/1.1 201 Created\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n',
  ],
  [
    'RFC 9110 §6.5.1: with trailers only if they are taken',
    get('/', 'TE: trailers\r\n'),
    (x) => {
      x.respond({ status: 200, fields: noFields, contentLength: undefined }).end(
        FieldList.of([['x-t', '1']]),
      );
    },
    'transfer-encoding: chunked\r\n\r\n0\r\nx-t: 1\r\n\r\n',
  ],
  [
    'to HEAD',
    'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    (x) => reply(x, 'hi'),
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n',
  ],
  ['204', get('/'), (x) => reply(x, 'hi', 204), 'HTTP/1.1 204 No Content\r\n\r\n'],
  [
    '304 with the length of what is not sent',
    get('/'),
    (x) => {
      x.respond({ status: 304, fields: noFields, contentLength: 9 }).end();
    },
    'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n',
  ],
  [
    'after an interim one',
    get('/'),
    (x) => {
      x.interim(103, FieldList.of([['link', 'x']]));
      reply(x, '');
    },
    'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  ],
  [
    'to HTTP/1.0 until the close',
    'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
    (x) => {
      x.interim(103, noFields);
      const sink = x.respond({ status: 200, fields: noFields, contentLength: undefined });
      sink.write(bytes('hi'));
      sink.end();
    },
    'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhi',
  ],
])('%s', async (_, request, handler, expected) => {
  const bed = await serve((exchange) =>
    exchange.head.target === '/next' ? reply(exchange, 'NEXT') : handler(exchange),
  );
  const client = bed.client();
  client.send(request + get('/next'));
  const isClosing = expected.includes('connection: close');
  const text = isClosing ? await client.end() : await client.read('NEXT');
  const got = text.replace('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nNEXT', '');
  if (expected.startsWith('HTTP/1.1 ')) expect(got).toBe(expected);
  else expect(got.endsWith(expected)).toBe(true);
});

it('writes a head and a small body in one piece', async () => {
  const bed = await serve((exchange) => {
    const sink = exchange.respond({ status: 200, fields: noFields, contentLength: 4 });
    sink.write(bytes('ab'));
    sink.write(bytes('cd'));
    sink.end();
  });
  const client = bed.client();
  const sizes: number[] = [];
  client.socket.on('data', (chunk) => sizes.push(chunk.length));
  client.send(get('/'));
  expect(sizes).toEqual([(await client.read('abcd')).length]);
});

// One connection
it('answers pipelined requests in order, one at a time', async () => {
  const exchanges: ServerExchange[] = [];
  const bed = await serve((exchange) => exchanges.push(exchange));
  const client = bed.client();
  client.send(get('/a') + get('/b') + get('/c'));
  for (const path of ['/a', '/b', '/c']) {
    while (exchanges.length === 0) await turn();
    await turn();
    expect(exchanges.map((exchange) => exchange.head.target)).toEqual([path]);
    reply(exchanges.pop() as ServerExchange, path);
  }
  const text = await client.read('/c');
  expect(text.match(/\/[abc]/g)).toEqual(['/a', '/b', '/c']);
  expect(bed.server.stats).toMatchObject({
    requestCount: 3,
    activeRequestCount: 0,
    acceptedCount: 1,
  });
});

it('serves thousands of pipelined requests without recursion', async () => {
  const bed = await serve((exchange) => reply(exchange, ''));
  const client = bed.client();
  client.send(get('/').repeat(5_000) + get('/', 'Connection: close\r\n'));
  expect((await client.end()).split('200 OK')).toHaveLength(5_002);
});

it('RFC 9112 §9.6: processes nothing after Connection: close', async () => {
  const seen: string[] = [];
  const bed = await serve((exchange) => {
    seen.push(exchange.head.target);
    reply(exchange, 'x');
  });
  const client = bed.client();
  client.send(get('/1', 'Connection: close\r\n') + get('/2'));
  expect(await client.end()).toContain('connection: close\r\n');
  expect(seen).toEqual(['/1']);
});

it('refuses after the replies before, then closes; the handler sees nothing of it', async () => {
  const seen: string[] = [];
  const bed = await serve((exchange) => {
    seen.push(exchange.head.target);
    setImmediate(() => reply(exchange, 'FIRST'));
  });
  const client = bed.client();
  client.send(`${get('/1')}GET /2 HTTP/1.1\r\nHost: a\r\nX_Y: 1\r\n\r\n`);
  const text = await client.end();
  expect(text).toMatch(
    /FIRSTHTTP\/1\.1 400 Bad Request\r\nx-leno-reason: bad-request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n$/,
  );
  expect(seen).toEqual(['/1']);
  expect(bed.rejections).toMatchObject([
    { reason: 'bad-request', status: 400, address: '127.0.0.1' },
  ]);
  expect(bed.server.stats).toMatchObject({ badRequestCount: 1, requestCount: 1 });
});

it('answers a client that has closed its half', async () => {
  const bed = await serve((exchange) => setImmediate(() => reply(exchange, 'x')));
  const client = bed.client();
  client.send(get('/'));
  client.socket.end();
  expect(await client.close()).toContain('200 OK');
});

it('R02: refuses a head that ends with the connection', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'));
  const client = bed.client();
  client.send('GET / HT');
  client.socket.end();
  expect(await client.close()).toContain('HTTP/1.1 400');
});

it('adds no listener per request', async () => {
  const bed = await serve((exchange) => {
    exchange.readBody(new CollectingSink());
    reply(exchange, 'x');
  });
  const client = bed.client();
  const warnings: unknown[] = [];
  const onWarning = (warning: unknown) => warnings.push(warning);
  process.on('warning', onWarning);
  for (let round = 1; round <= 30; round += 1) {
    client.send(`${post(3)}abc`);
    await client.read('200 OK', round);
  }
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

// Bodies of requests
it.each([
  ['with a length', `${post(5)}hello`],
  [
    'in chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n',
  ],
  ['RFC 9110 §10.1.1: after 100', `${post(5, 'Expect: 100-continue\r\n')}hello`],
])('%s', async (_, request) => {
  const bed = await serve((exchange) => {
    const sink = new CollectingSink();
    exchange.readBody(sink);
    void sink.outcome.then(() => reply(exchange, `<${sink.text}>`));
  });
  const client = bed.client();
  client.send(request);
  await client.read('<hello>');
  client.send(request);
  const text = await client.read('<hello>', 2);
  expect(text.split('100 Continue').length - 1).toBe(request.includes('Expect') ? 2 : 0);
});

it('is not read before somebody takes it, and then whole', async () => {
  let exchange: ServerExchange | undefined;
  const bed = await serve((each) => {
    exchange = each;
  });
  const client = bed.client();
  const size = 16_000_000;
  client.send(`${post(size)}${'x'.repeat(size)}`);
  while (exchange === undefined) await turn();
  for (let round = 0; round < 20; round += 1) await turn();
  expect(client.socket.writableLength).toBeGreaterThan(0);
  const sink = new CollectingSink();
  exchange.readBody(sink);
  expect([await sink.outcome, sink.text.length]).toEqual(['end', size]);
  reply(exchange, 'x');
  await client.read('200 OK');
});

it('stops while the sink is full', async () => {
  let full = true;
  const sink = new CollectingSink(() => !full);
  const bed = await serve((exchange) => {
    exchange.readBody(sink);
    void sink.outcome.then(() => reply(exchange, 'x'));
  });
  const client = bed.client();
  const size = 12_000_000;
  client.send(`${post(size)}${'x'.repeat(size)}`);
  while (sink.text === '') await turn();
  for (let round = 0; round < 50; round += 1) await turn();
  // One read, and what the stream had taken before it was paused.
  expect(sink.text.length).toBeLessThan(512 * 1024);
  full = false;
  sink.onDrain?.();
  expect([await sink.outcome, sink.text.length]).toEqual(['end', size]);
});

it.each([
  ['cut off', `${post(10)}hello`, true],
  [
    'cut off in a chunk',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    true,
  ],
  [
    'malformed',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX',
    false,
  ],
])('that are %s: abort, 400, close', async (_, request, halfClose) => {
  const sink = new CollectingSink();
  const causes: string[] = [];
  const bed = await serve((exchange) => {
    exchange.onClose = (cause) => causes.push(cause);
    exchange.readBody(sink);
  });
  const client = bed.client();
  client.send(request);
  if (halfClose) client.socket.end();
  expect(await client.end()).toMatch(/^HTTP\/1\.1 400 .*connection: close/s);
  expect(sink.endings).toHaveLength(1);
  expect(await sink.outcome).toBe('abort');
  expect(causes).toEqual(['bad-request']);
});

it('a malformed body cannot spoil a reply that is on its way: it breaks off', async () => {
  const bed = await serve((exchange) => {
    exchange.readBody(new CollectingSink());
    exchange.respond({ status: 200, fields: noFields, contentLength: 10 }).write(bytes('hello'));
  });
  const client = bed.client();
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello');
  await client.read('hello');
  client.send('XXX');
  expect(await client.close()).not.toContain('400');
});

it('more than the limit in chunks is 413', async () => {
  const sink = new CollectingSink();
  const bed = await serve((exchange) => exchange.readBody(sink), { bodyByteCountMax: 10 });
  const client = bed.client();
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n',
  );
  expect(await client.end()).toContain('413 Content Too Large');
  expect(await sink.outcome).toBe('abort');
  expect(bed.server.stats.bodyTooLargeCount).toBe(1);
});

it('an early reply: the rest is read and the connection serves on', async () => {
  const sink = new CollectingSink();
  const bed = await serve((exchange) => {
    if (exchange.head.method === 'POST') exchange.readBody(sink);
    reply(exchange, exchange.head.method);
  });
  const client = bed.client();
  client.send(post(1_000));
  await client.read('POST');
  client.send(`${'x'.repeat(1_000)}${get('/')}`);
  await client.read('GET');
  expect(sink.endings).toEqual(['abort: the reply was finished before the request']);
});

it('an unwanted body beyond the bound costs the connection', async () => {
  const bed = await serve(
    (exchange) => {
      exchange.discardBody();
      reply(exchange, 'x');
    },
    { discardByteCountMax: 1_000 },
  );
  const client = bed.client();
  client.send(`${post(5_000)}${'x'.repeat(2_000)}`);
  await client.end();
  expect(bed.server.stats.discardOverflowCount).toBe(1);
});

it('RFC 9112 §9.6: a client that sends on and on gets its reply, and no reset', async () => {
  const bed = await serve((exchange) => reply(exchange, 'early'), { discardByteCountMax: 1_000 });
  const client = bed.client();
  client.send(`${post(15_000_000)}${'x'.repeat(14_000_000)}`);
  expect(await client.end()).toContain('early');
  expect([client.hasEnded, client.isClosed]).toEqual([true, false]);
  bed.time.advance(LINGER_MS / 2);
  expect(bed.server.stats.connectionCount).toBe(1);
  bed.time.advance(2 * LINGER_MS);
  await client.close();
  expect(bed.server.stats.connectionCount).toBe(0);
});

it('RFC 9110 §10.1.1: a final reply instead of 100 closes', async () => {
  const bed = await serve((exchange) => reply(exchange, 'no', 403));
  const client = bed.client();
  client.send(post(5, 'Expect: 100-continue\r\n'));
  expect(await client.end()).toMatch(/^HTTP\/1\.1 403 .*connection: close.*no$/s);
});

describe('a reply that cannot be finished', () => {
  it.each<[string, string, (exchange: ServerExchange) => void]>([
    [
      'aborted',
      get('/'),
      (x) => x.respond({ status: 200, fields: noFields, contentLength: undefined }).abort('x'),
    ],
    [
      'shorter than said',
      get('/'),
      (x) => x.respond({ status: 200, fields: noFields, contentLength: 5 }).end(),
    ],
    [
      'longer than said',
      get('/'),
      (x) => x.respond({ status: 200, fields: noFields, contentLength: 1 }).write(bytes('xyz')),
    ],
    ['abandoned', get('/'), (x) => x.abort('x')],
    [
      'aborted for HTTP/1.0',
      'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
      (x) => x.respond({ status: 200, fields: noFields, contentLength: undefined }).abort('x'),
    ],
  ])('%s: the connection is broken off', async (_, request, handler) => {
    const bed = await serve(handler);
    const client = bed.client();
    client.send(request);
    const text = await client.end();
    expect(text).not.toContain('0\r\n\r\n');
    expect(bed.server.stats.activeRequestCount).toBe(0);
  });

  it('what was written of it goes out first, so that the client sees that it began', async () => {
    const bed = await serve((exchange) => {
      exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
      exchange.abort('x');
    });
    const client = bed.client();
    client.send(get('/'));
    expect(await client.end()).toMatch(/^HTTP\/1\.1 200 .*chunked\r\n\r\n$/s);
  });

  it('tells the handler when the client has gone', async () => {
    const gone = deferred<string>();
    const bed = await serve((exchange) => {
      exchange.onClose = gone.resolve;
    });
    const client = bed.client();
    client.send(get('/'));
    while (bed.server.stats.activeRequestCount === 0) await turn();
    client.socket.resetAndDestroy();
    expect(await gone.promise).toBe('client-gone');
    expect(bed.server.stats.activeRequestCount).toBe(0);
  });
});

describe('tunnels', () => {
  it.each([
    [
      'an upgrade',
      get('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n'),
      /^HTTP\/1\.1 101 .*a: b\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nearly/s,
    ],
    [
      'CONNECT',
      'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n',
      /^HTTP\/1\.1 200 OK\r\na: b\r\n\r\nearly/,
    ],
  ])('%s: bytes flow both ways, halves close apart', async (_, request, expected) => {
    const fromClient = new CollectingSink();
    const bed = await serve((exchange) => {
      const toClient = exchange.tunnel(FieldList.of([['a', 'b']]), fromClient);
      toClient.write(bytes('early'));
      void fromClient.outcome.then(() => {
        toClient.write(bytes(`late ${fromClient.text}`));
        toClient.end();
      });
    });
    const client = bed.client();
    client.send(`${request}GET / no more HTTP`);
    expect(await client.read('early')).toMatch(expected);
    client.send('!');
    client.socket.end();
    expect(await client.close()).toContain('late GET / no more HTTP!');
    expect(fromClient.endings).toEqual(['end']);
  });

  it('acceptConnect: requests inside have a fixed destination', async () => {
    const seen: unknown[] = [];
    const bed = await serve((exchange) => {
      seen.push([exchange.head.authority, exchange.fixedAuthority]);
      if (exchange.head.method === 'CONNECT') exchange.acceptConnect(exchange.head.authority);
      else reply(exchange, 'inner');
    });
    const client = bed.client();
    // Node's fetch says `close` here; it is about CONNECT alone.
    client.send('CONNECT cart:80 HTTP/1.1\r\nHost: cart:80\r\nConnection: close\r\n\r\n');
    expect(await client.read('\r\n\r\n')).toBe('HTTP/1.1 200 OK\r\n\r\n');
    client.send('GET / HTTP/1.1\r\nHost: evil\r\n\r\n');
    await client.read('inner');
    expect(seen).toEqual([
      ['cart:80', undefined],
      ['evil', 'cart:80'],
    ]);
  });

  it('a CONNECT that is refused closes', async () => {
    const bed = await serve((exchange) => reply(exchange, '', 403));
    const client = bed.client();
    client.send('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.end()).toMatch(/^HTTP\/1\.1 403 .*connection: close/s);
    expect(bed.server.stats.requestCount).toBe(1);
  });
});

describe('ports', () => {
  const make = () => createHttpServer({ handler: (exchange) => reply(exchange, '') });

  it('are shared by those who all want to, and by nobody else', async () => {
    const [first, second, third] = [make(), make(), make()];
    const { port } = await first.listen(0, '127.0.0.1', { reusePort: true });
    expect(await second.listen(port, '127.0.0.1', { reusePort: true })).toMatchObject({ port });
    await expect(third.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await Promise.all([first.close(), second.close()]);
  });
});
