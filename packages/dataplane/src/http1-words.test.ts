/**
 * HTTP/1.1 octet by octet through one proxy and through two: what the application gets, and what its
 * client gets of the answer.
 */
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { until } from './testing/ends.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A socket and what has come out of it. */
class Peer {
  readonly socket: Socket;
  text = '';
  isEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    open.push(() => socket.destroy());
    socket.on('data', (chunk) => (this.text += chunk.toString('latin1')));
    socket.on('end', () => (this.isEnded = true));
    socket.on('close', () => (this.isEnded = true));
    socket.on('error', () => undefined);
  }

  async read(part: string): Promise<string> {
    await until(() => this.text.includes(part) || this.isEnded);
    if (!this.text.includes(part)) throw new Error(`ended before ${part}: ${this.text}`);
    return this.text;
  }

  async end(): Promise<string> {
    await until(() => this.isEnded);
    return this.text;
  }
}

/** Hands over each request by its head; what comes behind it is read on in `peer.text`. */
type Serve = (path: string, peer: Peer, head: string) => void;

interface Way {
  readonly app: { readonly peers: Peer[]; readonly heads: string[] };
  readonly beds: readonly ProxyBed[];
  client(text?: string): Peer;
}

async function application(serve: Serve) {
  const peers: Peer[] = [];
  const heads: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const peer = new Peer(socket);
    peers.push(peer);
    socket.on('data', () => {
      for (let end = headEnd(peer); end >= 0; end = headEnd(peer)) {
        const head = peer.text.slice(0, end);
        peer.text = peer.text.slice(end);
        heads.push(head);
        serve(head.split(' ')[1] ?? '', peer, head);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { port, peers, heads };
}

/** The end of the next head; -1 if there is none. */
function headEnd({ text }: Peer): number {
  const end = text.indexOf('\r\n\r\n');
  return end >= 0 && /^[A-Z]+ /.test(text) ? end + 4 : -1;
}

async function way(hops: 1 | 2, serve: Serve, retry: object = { retries: 0 }): Promise<Way> {
  const app = await application(serve);
  const web = await openProxy('web');
  open.push(() => web.close());
  const beds = [web];
  let shop = endpoint(app.port);
  if (hops === 2) {
    const other = await openProxy('shop', app.port);
    open.push(() => other.close());
    other.apply({});
    beds.push(other);
    shop = endpoint(other.inboundPort, 'shop');
  }
  web.apply({ services: { shop: [shop] }, policies: { shop: { retry } } });
  const client = (text = ''): Peer => {
    const socket = connect({ port: web.outboundPort, host: '127.0.0.1', allowHalfOpen: true });
    if (text !== '') socket.write(text, 'latin1');
    return new Peer(socket);
  };
  return { app, beds, client };
}

async function clean({ beds }: Way): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${more}\r\n`;
const post = (path: string, more: string) => `POST ${path} HTTP/1.1\r\nHost: shop\r\n${more}\r\n`;
const ok = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;

/** The fields of a head that hops and identities make, and those that may be anywhere, taken out. */
function fieldsOf(head: string): string[] {
  const made = /^(x-request-id|traceparent|x-leno-|x-forwarded-|tracestate|baggage)/i;
  return head
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '' && !made.test(line))
    .map((line) => line.toLowerCase())
    .toSorted();
}

const hops = [1, 2] as const;

test.each(hops)('pipelined requests are answered in order: slow, failed, fine (%i)', async (n) => {
  let answerSlow = (): void => undefined;
  const seen: string[] = [];
  const it = await way(n, (path, { socket }) => {
    seen.push(path);
    if (path === '/slow') answerSlow = () => socket.write(ok('slow'));
    else if (path === '/failed') socket.resetAndDestroy();
    else socket.write(ok('fine'));
  });
  const client = it.client(
    get('/slow') + post('/failed', 'Content-Length: 4\r\n') + 'body' + get('/fine'),
  );
  await until(() => seen.length === 1);
  for (let round = 0; round < 20; round += 1) await new Promise((next) => setImmediate(next));
  expect(seen).toEqual(['/slow']);
  answerSlow();
  const text = await client.read('fine');
  expect(text.match(/HTTP\/1\.1 \d+|\r\n\r\n(slow|fine)/g)).toEqual([
    'HTTP/1.1 200',
    '\r\n\r\nslow',
    'HTTP/1.1 503',
    'HTTP/1.1 200',
    '\r\n\r\nfine',
  ]);
  client.socket.destroy();
  await clean(it);
});

const hopByHop = [
  'Connection: x-hop, keep-alive',
  'X-Hop: 1',
  'Keep-Alive: timeout=9',
  'Proxy-Connection: keep-alive',
  'X-End: 2',
].join('\r\n');

test.each(hops)('RFC 9110 §7.6.1: nothing of a hop goes further, either way (%i)', async (n) => {
  const it = await way(n, (_, { socket }) => {
    socket.write(ok('body', `${hopByHop}\r\nUpgrade: h2c\r\n`));
  });
  const client = it.client(
    get('http://shop/p?q=1', `${hopByHop}\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\n`),
  );
  const text = await client.read('body');
  const [head = ''] = it.app.heads;
  expect(head).toMatch(/^GET \/p\?q=1 HTTP\/1\.1\r\nhost: shop\r\n/);
  expect(fieldsOf(head)).toEqual(['host: shop', 'te: trailers', 'x-end: 2']);
  const replyHead = text.slice(0, text.indexOf('\r\n\r\n'));
  expect(fieldsOf(replyHead)).toEqual(['content-length: 4', 'x-end: 2']);
  client.socket.destroy();
  await clean(it);
});

interface Body {
  readonly name: string;
  readonly request: string;
  /** What follows the head at the application. */
  readonly arrives: RegExp;
  readonly reply: string;
  /** The whole answer at the client. */
  readonly got: RegExp;
}

const bodies: readonly Body[] = [
  {
    name: 'chunks and trailers both ways',
    request: post('/', 'TE: trailers\r\nTransfer-Encoding: chunked\r\n').concat(
      '2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\nHost: evil\r\nX-Leno-Peer: evil\r\n\r\n',
    ),
    arrives: /^(\d\r\n[helo]+\r\n)+0\r\nX-T: 1\r\n\r\n$/i,
    reply:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-S: 2\r\nHost: evil\r\n\r\n',
    got: /^HTTP\/1\.1 200 OK\r\n[^]*transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-S: 2\r\n\r\n$/i,
  },
  {
    name: 'a length both ways',
    request: `${post('/', 'Content-Length: 5\r\n')}hello`,
    arrives: /^hello$/,
    reply: ok('x'),
    got: /content-length: 1\r\n[^]*\r\nx$/i,
  },
  {
    name: 'a reply until the close',
    request: get('/'),
    arrives: /^$/,
    reply: 'HTTP/1.1 200 OK\r\n\r\nuntil',
    got: /transfer-encoding: chunked\r\n[^]*5\r\nuntil\r\n0\r\n\r\n$/i,
  },
  {
    name: 'HEAD, with the length of what is not sent',
    request: 'HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n',
    arrives: /^$/,
    reply: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    got: /content-length: 9\r\n[^]*\r\n$/i,
  },
  {
    name: '304, likewise',
    request: get('/'),
    arrives: /^$/,
    reply: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    got: /^HTTP\/1\.1 304 [^]*content-length: 9\r\n[^]*\r\n$/i,
  },
  {
    name: '204, without any',
    request: get('/'),
    arrives: /^$/,
    reply: 'HTTP/1.1 204 No Content\r\n\r\n',
    got: /^HTTP\/1\.1 204 ((?!content-length|transfer-encoding)[^])*\r\n\r\n$/i,
  },
  {
    name: 'interim replies',
    request: get('/'),
    arrives: /^$/,
    reply: `HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 103 X\r\nLink: b\r\n\r\n${ok('x')}`,
    got: /^HTTP\/1\.1 103 [^]*link: a\r\n\r\nHTTP\/1\.1 103 [^]*link: b\r\n\r\nHTTP\/1\.1 200 /i,
  },
  {
    name: 'HTTP/1.0: no chunks, no interim reply, and the end',
    request: 'GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n',
    arrives: /^$/,
    reply:
      'HTTP/1.1 103 X\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    got: /^HTTP\/1\.1 200 ((?!transfer-encoding)[^])*connection: close\r\n\r\nx$/i,
  },
  {
    name: '417 where nobody waits for 100',
    request: post('/', 'Content-Length: 5\r\nExpect: 100-continue\r\n'),
    arrives: /^$/,
    reply: 'HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n',
    got: /^(HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 417 /,
  },
];

test.each(hops.flatMap((n) => bodies.map((body) => ({ n, ...body }))))(
  '$name ($n)',
  async ({ n, request, arrives, reply, got }) => {
    const it = await way(n, (_, peer) => {
      void until(() => arrives.test(peer.text)).then(() => {
        peer.socket.write(reply, 'latin1');
        if (reply.endsWith('until')) peer.socket.end();
      });
    });
    const client = it.client(request);
    await until(() => got.test(client.text) || client.isEnded);
    expect(client.text).toMatch(got);
    expect(it.app.heads.map((head) => /^expect:/im.test(head))).toEqual([false]);
    client.socket.destroy();
    await clean(it);
  },
);

test.each(hops)('RFC 9110 §10.1.1: one 100, though the application says it too (%i)', async (n) => {
  const it = await way(n, (_, peer) => {
    peer.socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    void peer.read('body').then(() => peer.socket.write(ok('x')));
  });
  const client = it.client(post('/', 'Content-Length: 4\r\nExpect: 100-continue\r\n'));
  await client.read('100 Continue\r\n\r\n');
  client.socket.write('body');
  const text = await client.read('\r\n\r\nx');
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
  client.socket.destroy();
  await clean(it);
});

test.each(hops)('an upload goes on beside a reply that has begun (%i)', async (n) => {
  const it = await way(n, (path, peer) => {
    if (path === '/next') {
      peer.socket.write(ok('next'));
      return;
    }
    peer.socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n');
    void peer.read('last').then(() => {
      peer.text = '';
      peer.socket.write('4\r\nlate\r\n0\r\n\r\n');
    });
  });
  const client = it.client(post('/', 'Content-Length: 10\r\n'));
  await client.read('early');
  client.socket.write('first ');
  client.socket.write('last');
  expect(await client.read('late')).toMatch(/4\r\nlate\r\n0\r\n\r\n$/);
  client.socket.write(get('/next'));
  await client.read('next');
  client.socket.destroy();
  await clean(it);
});

test.each(hops)(
  'a whole reply ends an upload, and its application is left alone (%i)',
  async (n) => {
    const it = await way(n, (path, { socket }) => socket.write(ok(path === '/up' ? 'no' : 'next')));
    const client = it.client(`${post('/up', 'Content-Length: 1000\r\n')}part`);
    await client.read('no');
    client.socket.write('x'.repeat(996) + get('/next'));
    expect(await client.read('next')).not.toContain('400');
    // What was cut off is no request, nor the beginning of one.
    expect(it.app.heads.map((head) => head.split(' ')[1])).toEqual(['/up', '/next']);
    expect(it.app.peers.map(({ text }) => text)).toEqual([expect.stringMatching(/^(part)?$/), '']);
    client.socket.destroy();
    await clean(it);
  },
);

test.each(hops)('a client that ends its half gets its reply (%i)', async (n) => {
  const it = await way(n, (_, { socket }) => setImmediate(() => socket.write(ok('x'))));
  const client = it.client(get('/'));
  client.socket.end();
  expect(await client.end()).toMatch(/\r\n\r\nx$/);
  await clean(it);
});

test.each(hops)('any upgrade token: octets from the first on, halves end apart (%i)', async (n) => {
  const it = await way(n, (_, peer) => {
    peer.socket.write('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: Chat/2\r\n\r\nhi');
    peer.socket.on('end', () => peer.socket.end(`<${peer.text}>`));
  });
  const client = it.client(`${get('/', 'Connection: upgrade\r\nUpgrade: chat/2\r\n')}ahead`);
  expect(await client.read('hi')).toMatch(
    /^HTTP\/1\.1 101 [^]*connection: upgrade\r\nupgrade: chat\/2\r\n\r\nhi$/i,
  );
  client.socket.end(' and more');
  expect(await client.end()).toMatch(/hi<ahead and more>$/);
  await clean(it);
});

test.each(hops)('the idle race: no GET is lost, and no POST is done twice (%i)', async (n) => {
  // An application that closes each connection right after its second reply, without saying so.
  const counts = new WeakMap<Peer, number>();
  const serve: Serve = (_, peer) => {
    const count = (counts.get(peer) ?? 0) + 1;
    counts.set(peer, count);
    peer.socket.write(ok('x'));
    if (count === 2) peer.socket.end();
  };
  const it = await way(n, serve, { backoffBaseMs: 1, backoffMaxMs: 1 });
  const statuses: Record<string, number> = {};
  const client = it.client();
  const sent = { GET: 0, POST: 0 };
  for (let round = 0; round < 200; round += 1) {
    const method = round % 2 === 0 ? 'GET' : 'POST';
    sent[method] += 1;
    client.text = '';
    client.socket.write(method === 'GET' ? get('/') : `${post('/', 'Content-Length: 2\r\n')}ab`);
    await until(() => /\r\n\r\n./s.test(client.text) || client.isEnded);
    const key = `${method} ${client.text.slice(9, 12)}`;
    statuses[key] = (statuses[key] ?? 0) + 1;
  }
  expect(statuses['GET 200']).toBe(sent.GET);
  expect((statuses['POST 200'] ?? 0) + (statuses['POST 503'] ?? 0)).toBe(sent.POST);
  const posts = it.app.heads.filter((head) => head.startsWith('POST')).length;
  expect(posts).toBeLessThanOrEqual(sent.POST);
  client.socket.destroy();
  await clean(it);
});
