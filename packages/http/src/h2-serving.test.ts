import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { afterEach, expect, test } from 'vitest';
import { LINGER_MS } from './connection-host.ts';
import type { ServerExchange } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServerOptions, Rejection } from './server-options.ts';
import {
  dataFrame,
  END,
  frame,
  GET,
  headers,
  POST,
  PREFACE,
  ping,
  settings,
  settingsAck,
  WHOLE,
} from './testing/h2-wire.ts';
import { rawClient } from './testing/raw.ts';
import { CollectingSink } from './testing/sinks.ts';
import { ManualTime } from './testing/time.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const bytes = (text: string) => Buffer.from(text, 'latin1');
const noFields = new FieldList();
const ok = (exchange: ServerExchange, text = 'ok') =>
  exchange.respond({ status: 200, fields: noFields, contentLength: undefined }, bytes(text));

async function serve(
  handler: (exchange: ServerExchange) => void,
  options: Partial<HttpServerOptions> = {},
) {
  const time = new ManualTime();
  const rejections: Rejection[] = [];
  const onRejected = (rejection: Rejection) => void rejections.push(rejection);
  const server = createHttpServer({
    ...{ http2: true, clock: time, timers: time, handler, onRejected },
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(server);
  return { server, port, time, rejections };
}

function session(port: number): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on('error', () => undefined);
  open.push({ close: () => client.destroy() });
  return client;
}

interface Answer {
  readonly head: IncomingHttpHeaders;
  readonly text: string;
  readonly trailers: IncomingHttpHeaders;
  readonly code: number;
}

/** One request by node:http2, to its end. */
function request(client: ClientHttp2Session, head: object, body?: string): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = client.request({ ':path': '/p', ':authority': 'svc.local', ...head });
    let answer: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    let text = '';
    stream.on('response', (got) => (answer = got));
    stream.on('trailers', (got: IncomingHttpHeaders) => (trailers = got));
    stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve({ head: answer, text, trailers, code: stream.rstCode }));
    stream.end(body);
  });
}

test('serves node:http2: heads, bodies both ways, trailers, interim replies', async () => {
  const { port, server } = await serve((exchange) => {
    exchange.interim(103, FieldList.of([['link', '</a>']]));
    const body = new CollectingSink();
    exchange.readBody(body);
    void body.outcome.then(() => {
      const fields = FieldList.of([['x-had', `${exchange.head.method} ${exchange.head.target}`]]);
      const sink = exchange.respond({ status: 201, fields, contentLength: undefined });
      sink.write(bytes(body.text.toUpperCase()));
      sink.end(FieldList.of([['x-sum', `${body.text.length}`]]));
    });
  });
  const client = session(port);
  const answers = await Promise.all(
    ['one', 'two', 'x'.repeat(300_000)].map((text) => request(client, { ':method': 'POST' }, text)),
  );
  expect(answers.map(({ text }) => text.length)).toEqual([3, 3, 300_000]);
  expect(answers[0]).toMatchObject({
    head: { ':status': 201, 'x-had': 'POST /p' },
    text: 'ONE',
    trailers: { 'x-sum': '3' },
    code: 0,
  });
  expect(server.stats).toMatchObject({ http2Count: 1, requestCount: 3, activeRequestCount: 0 });
});

test('speaks HTTP/1.1 on the same port, and tells them apart however the octets come', async () => {
  const { port } = await serve((exchange) => ok(exchange));
  const old = rawClient(port);
  open.push({ close: () => old.socket.destroy() });
  old.send('P');
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
  old.send('OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n');
  expect(await old.read('ok')).toMatch(/^HTTP\/1.1 200 OK/);
  const slow = rawClient(port);
  open.push({ close: () => slow.socket.destroy() });
  const octets = Buffer.concat([PREFACE, settings(), settingsAck, headers(1, GET)]);
  for (const octet of octets) {
    slow.socket.write(Uint8Array.of(octet));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await slow.read('ok')).toContain('\0\0\x02\0\x01\0\0\0\x01ok');
});

test('a preface that is not finished is no HTTP/2', async () => {
  const { port, server, time } = await serve((exchange) => ok(exchange));
  const [cut, late, mute] = [rawClient(port), rawClient(port), rawClient(port)];
  open.push({ close: () => [cut, late, mute].map(({ socket }) => socket.destroy()) });
  cut.send('PRI * HT');
  cut.socket.end();
  expect(await cut.end()).toMatch(/^HTTP\/1.1 400 /);
  late.send('PRI * HT');
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
  for (let second = 0; second < 12; second += 1) time.advance(1_000);
  await late.end();
  expect(mute.hasEnded).toBe(false);
  await server.drain(1_000);
  await mute.end();
});

test('without http2 a preface is no request', async () => {
  const { port } = await serve((exchange) => ok(exchange), { http2: false });
  const client = rawClient(port);
  open.push({ close: () => client.socket.destroy() });
  client.send(PREFACE.toString('latin1'));
  expect(await client.end()).toMatch(/^HTTP\/1.1 400 /);
});

test('a client that goes away, resets or breaks the rules is told to the handler', async () => {
  const causes: string[] = [];
  const { port, server, rejections } = await serve((exchange) => {
    exchange.onClose = (cause) => causes.push(cause);
  });
  const client = session(port);
  const stream = client.request({ ':path': '/', ':authority': 'a' });
  stream.on('error', () => undefined);
  await until(() => server.stats.activeRequestCount === 1);
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => causes.length === 1);
  const raw = rawClient(port);
  open.push({ close: () => raw.socket.destroy() });
  raw.socket.write(Buffer.concat([PREFACE, settings(), headers(1, GET), headers(2, GET)]));
  await until(() => causes.length === 2);
  expect(causes).toEqual(['client-gone', 'bad-request']);
  expect(rejections).toMatchObject([{ reason: 'bad-request', status: 0 }]);
  expect(server.stats).toMatchObject({ activeRequestCount: 0, badRequestCount: 1 });
  expect(await raw.end()).toContain('even number');
});

test('a reply before the end of the request asks for no more of it', async () => {
  const { port } = await serve((exchange) => ok(exchange, 'enough'));
  const client = session(port);
  const answer = await new Promise<string>((resolve) => {
    const stream = client.request({ ':method': 'POST', ':path': '/', ':authority': 'a' });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('close', () => resolve(`${text} ${stream.rstCode}`));
    stream.write('begun');
  });
  expect(answer).toBe('enough 0');
});

test('a reply that is broken off resets its stream and no other', async () => {
  const { port } = await serve((exchange) => {
    const isBad = exchange.head.target === '/bad';
    const sink = exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
    sink.write(bytes('be'));
    if (isBad) sink.abort('no more');
    else sink.end();
  });
  const client = session(port);
  const [bad, good] = await Promise.all([
    request(client, { ':path': '/bad' }),
    request(client, { ':path': '/good' }),
  ]);
  expect([bad.code, good.code, good.text]).toEqual([8, 0, 'be']);
});

test('RFC 8441: an extended CONNECT is an upgrade, and its stream a tunnel', async () => {
  const { port } = await serve((exchange) => {
    expect(exchange.head).toMatchObject({ method: 'GET', upgrade: 'websocket', target: '/chat' });
    const toClient = exchange.tunnel(
      FieldList.of([
        ['sec-websocket-accept', 'x'],
        ['sec-websocket-protocol', 'y'],
      ]),
      {
        onDrain: undefined,
        write: (chunk) => toClient.write(chunk),
        end: () => toClient.end(),
        abort: () => undefined,
      },
    );
  });
  const client = session(port);
  await new Promise((resolve) => client.once('remoteSettings', resolve));
  const answer = await request(
    client,
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' },
    'echo',
  );
  expect(answer).toMatchObject({
    head: { ':status': 200, 'sec-websocket-protocol': 'y' },
    text: 'echo',
  });
  expect(answer.head['sec-websocket-accept']).toBeUndefined();
});

/** A client of frames by hand, after the greetings, whose stream 1 has begun. */
function rawRequest(port: number, ...octets: Buffer[]) {
  const raw = rawClient(port);
  open.push({ close: () => raw.socket.destroy() });
  raw.socket.write(Buffer.concat([PREFACE, settings(), settingsAck, ...octets]));
  return raw;
}

test('a client that waits for 100 gets it when its body is read, once', async () => {
  const { port } = await serve((exchange) => {
    const body = new CollectingSink();
    exchange.readBody(new CollectingSink());
    exchange.readBody(body);
    void body.outcome.then(() => ok(exchange, body.text));
  });
  const raw = rawRequest(port, headers(1, [...POST, ['expect', '100-continue']], WHOLE));
  // A head of three octets of status, not from the static table.
  expect(await raw.read('100')).not.toMatch(/100.*100/s);
  raw.socket.write(dataFrame(1, 'go on', END));
  expect(await raw.read('go on')).not.toMatch(/100.*100/s);
});

test('a body that nobody wants is thrown away, up to discardByteCountMax', async () => {
  const { port } = await serve((exchange) => exchange.discardBody(), {
    limits: { discardByteCountMax: 60_000 },
  });
  const piece = dataFrame(1, 'x'.repeat(16_000));
  const raw = rawRequest(port, headers(1, POST, WHOLE), piece, piece, piece, piece);
  // The stream is given room once, and not when more than the bound was thrown away.
  await raw.read('\0\0\x04\x08\0\0\0\0\x01');
  raw.clear();
  raw.socket.write(Buffer.concat([piece, piece, piece, ping('the last')]));
  expect(await raw.read('the last')).not.toContain('\0\0\x04\x08\0\0\0\0\x01');
});

test('a client that has broken the protocol and sends on and on hears why, and gets no reset', async () => {
  const { port, time } = await serve(ok);
  const raw = rawRequest(port, dataFrame(0, 'on no stream'), Buffer.alloc(14_000_000));
  const isGoAway = '\x07\0\0\0\0\0';
  expect(await raw.end()).toContain(isGoAway);
  // Time for what was sent to be read, as far as it will be.
  const beside = session(port);
  for (let index = 0; index < 50; index += 1) await request(beside, {});
  beside.destroy();
  expect([raw.hasEnded, raw.isClosed]).toEqual([true, false]);
  time.advance(4 * LINGER_MS);
  await raw.close();
});

test('a handler may break off; what it does then is too late', async () => {
  const { port, server } = await serve((exchange) => {
    exchange.onClose = () => expect.fail();
    exchange.abort('no');
    exchange.interim(103, noFields);
    exchange.readBody(new CollectingSink());
    exchange.discardBody();
    expect(ok(exchange).write(bytes('late'))).toBe(true);
  });
  const broken = await request(session(port), {});
  expect(broken.code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  await until(() => server.stats.activeRequestCount === 0);
});

test('a client that lets its body rest for too long is told so, and the handler too', async () => {
  const causes: string[] = [];
  const { port, time } = await serve(
    (exchange) => {
      exchange.onClose = (cause) => causes.push(cause);
      exchange.readBody(new CollectingSink());
    },
    { http2: { streamIdleTimeoutMs: 5_000 } },
  );
  const raw = rawRequest(port, headers(1, POST, WHOLE), ping('has come'));
  await raw.read('has come');
  for (let second = 0; second < 8; second += 1) time.advance(1_000);
  await until(() => causes.length > 0);
  expect(causes).toEqual(['client-timeout']);
  expect(await raw.read('\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08')).toBeDefined();
});

test('a client that does not even answer GOAWAY is cut off', async () => {
  const { port, time, server } = await serve((exchange) => ok(exchange), {
    limits: { idleTimeoutMs: 5_000 },
  });
  const raw = rawRequest(port, headers(1, GET), ping('has come'));
  await raw.read('has come');
  for (let second = 0; second < 30; second += 1) time.advance(1_000);
  expect(await raw.end()).toContain('leno end');
  await until(() => server.stats.connectionCount === 0);
});

test('drains: what is in flight ends, idle connections end at once', async () => {
  const exchanges: ServerExchange[] = [];
  const { port, server } = await serve((exchange) => exchanges.push(exchange));
  const [busy, idle] = [session(port), session(port)];
  const idleGone = new Promise((resolve) => idle.on('close', resolve));
  const answer = request(busy, {});
  await until(() => exchanges.length === 1);
  const drained = server.drain(10_000);
  await idleGone;
  ok(exchanges[0] ?? expect.fail());
  expect((await answer).text).toBe('ok');
  await drained;
  expect(server.stats.connectionCount).toBe(0);
});

test('idle connections end after idleTimeoutMs', async () => {
  const { port, server, time } = await serve((exchange) => ok(exchange), {
    limits: { idleTimeoutMs: 20_000 },
  });
  const client = session(port);
  const gone = new Promise((resolve) => client.on('close', resolve));
  // The answer to our settings comes before the second request.
  for (let round = 0; round < 2; round += 1) await request(client, {});
  for (let second = 0; second < 23; second += 1) time.advance(1_000);
  await gone;
  expect(server.stats.idleTimeoutCount).toBe(1);
});

test('a large reply waits for its reader, with bounded memory', async () => {
  let sentByteCount = 0;
  const { port } = await serve((exchange) => {
    const sink = exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
    const piece = Buffer.alloc(64 * 1024);
    const send = () => {
      while (sentByteCount < 20_000_000) {
        sentByteCount += piece.length;
        if (!sink.write(piece)) return;
      }
      sink.end();
    };
    sink.onDrain = send;
    send();
  });
  const client = session(port);
  const stream = client.request({ ':path': '/', ':authority': 'a' });
  await new Promise((resolve) => stream.on('response', resolve));
  for (let round = 0; round < 50; round += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(sentByteCount).toBeLessThan(1_000_000);
  let got = 0;
  stream.on('data', (chunk: Buffer) => (got += chunk.length));
  await new Promise((resolve) => stream.on('end', resolve));
  expect(got).toBe(sentByteCount);
});

test('a connection error is read by the client before the end', async () => {
  const { port } = await serve((exchange) => ok(exchange));
  const raw = rawClient(port);
  open.push({ close: () => raw.socket.destroy() });
  raw.socket.write(Buffer.concat([PREFACE, settings(), frame(0, 0, 0, 'x')]));
  expect(await raw.end()).toContain('DATA on a stream that is not open');
});

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
}
