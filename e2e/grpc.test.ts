/** A client and a server of `@grpc/grpc-js` with two sidecars between them; neither knows of a mesh. */
import type { EventEmitter } from 'node:events';
import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { allocatePorts } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { memoryOf } from './support/process-figures.ts';
import { Till, TillClient } from './support/till.ts';
import { until } from './support/until.ts';

let mesh: TestMesh;
let web: MeshApp;
let shop: MeshApp;
let till: Till;
let client: TillClient;
let port = 0;

const policy = `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: { name: till, namespace: default }
spec:
  targetRef: { name: till }
  retry: { grpcCodes: [unavailable], backoff: 1ms, backoffMax: 5ms }
  timeouts: { request: 5s }
`;

function found(name: string): MeshApp {
  const entry = mesh.apps.find((it) => it.service === name);
  if (entry === undefined) throw new Error(`no ${name}`);
  return entry;
}

beforeAll(async () => {
  [port = 0] = await allocatePorts(1);
  till = new Till();
  await till.listen(port);
  const env = { LENO_APP: `h2c://127.0.0.1:${port}` };
  mesh = await startMesh([{ service: 'web' }, { service: 'till', env }]);
  const services = [service('web', { app: 'web' }), service('till', { app: 'till' }, 'grpc')];
  await mesh.apply(documents(meshConfig(), ...services, policy));
  await mesh.ready();
  web = found('web');
  shop = found('till');
  client = new TillClient(web.outbound, 'till');
});

afterAll(async () => {
  client?.close();
  till?.kill();
  await mesh?.stop();
});

/** How a call ends. */
function ending(call: EventEmitter): Promise<StatusObject> {
  return new Promise((resolve) => {
    call.on('error', () => undefined);
    call.on('status', resolve);
  });
}

test('unary: metadata both ways, trailers, and the identity of the caller', async () => {
  const own = { 'x-own': 'a, b', 'x-own-bin': Buffer.from([0, 1, 255]) };
  const told = await client.ask('who', own);
  expect(told.status.code).toBe(status.OK);
  expect(told.text).toBe('spiffe://mesh.local/ns/default/sa/web');
  expect(told.head.get('x-echo')).toEqual(['a, b']);
  expect(told.head.get('x-echo-bin')).toEqual([Buffer.from([0, 1, 255])]);
  expect(told.status.metadata.get('x-trailer')).toEqual(['last']);
  expect(told.status.metadata.get('x-trailer-bin')).toEqual([Buffer.from([0, 255, 10])]);
});

test('a stream of requests', async () => {
  const told = new Promise((resolve) => {
    const call = client.stub.gather(new Metadata(), {}, (_, text) => resolve(text));
    for (const text of ['a', 'b', 'c']) call.write(text);
    call.end();
  });
  expect(await told).toBe('a+b+c');
});

test('a stream of replies', async () => {
  const call = client.stub.list('100 10', new Metadata());
  const end = ending(call);
  const got: string[] = [];
  call.on('data', (text: string) => got.push(text));
  expect((await end).code).toBe(status.OK);
  expect(got).toEqual(
    Array.from({ length: 100 }, (_, index) => String(99 - index).padEnd(10, '.')),
  );
});

test('both streams, in turns', async () => {
  const call = client.stub.talk(new Metadata());
  const end = ending(call);
  const got: string[] = [];
  call.on('data', (text: string) => {
    got.push(text);
    if (got.length < 20) call.write(String(got.length));
    else call.end();
  });
  call.write('0');
  expect((await end).code).toBe(status.OK);
  expect(got).toEqual(Array.from({ length: 20 }, (_, index) => `${index}!`));
});

test.each([
  { code: status.INVALID_ARGUMENT, details: 'no such thing: 100 %' },
  { code: status.NOT_FOUND, details: 'ни одного “чека”' },
  { code: status.PERMISSION_DENIED, details: '' },
  { code: status.RESOURCE_EXHAUSTED, details: 'later' },
  { code: status.INTERNAL, details: 'oh\nno' },
  { code: status.UNAUTHENTICATED, details: 'who?' },
])('a failure with code $code is told as it was', async ({ code, details }) => {
  const told = await client.ask(`fail ${code} ${details}`);
  expect(told.status).toMatchObject({ code, details });
  expect(told.status.metadata.get('x-trailer')).toEqual(['last']);
  expect(told.status.metadata.get('x-trailer-bin')).toEqual([Buffer.from([0, 255, 10])]);
});

test('messages of 4 MiB pass both ways', async () => {
  const text = 'x'.repeat(4 * 1_048_576);
  const told = await client.ask(text);
  expect(told.status.code).toBe(status.OK);
  expect(told.text === text).toBe(true);
});

/** The most memory that a process has had so far. */
async function peakBytes({ pid }: { readonly pid: number }): Promise<number> {
  return (await memoryOf(pid)).peakBytes;
}

test('a stream of 256 MiB passes, and neither sidecar holds much of it', async () => {
  const [count, bytes] = [4_096, 65_536];
  const before = await Promise.all([peakBytes(web.sidecar), peakBytes(shop.sidecar)]);
  const call = client.stub.list(`${count} ${bytes}`, new Metadata());
  const end = ending(call);
  let got = 0;
  call.on('data', (text: string) => {
    got += text.length;
  });
  expect((await client.ask('beside')).text).toBe('beside');
  expect((await end).code).toBe(status.OK);
  expect(got).toBe(count * bytes);
  const after = await Promise.all([peakBytes(web.sidecar), peakBytes(shop.sidecar)]);
  for (const [index, peak] of after.entries()) {
    expect(peak - (before[index] ?? 0)).toBeLessThan(96 * 1_048_576);
  }
}, 60_000);

test('more calls at a time than the server takes on one connection', async () => {
  const texts = Array.from({ length: 300 }, (_, index) => `call ${index}`);
  const told = await Promise.all(texts.map((text) => client.ask(text)));
  expect(told.map(({ text }) => text)).toEqual(texts);
});

test('a call that is cancelled is cancelled at the server', async () => {
  const unary = client.stub.ask('hang 1', new Metadata(), {}, () => undefined);
  unary.on('error', () => undefined);
  const stream = client.stub.list('1000000 1024', new Metadata());
  const [one, other] = [ending(unary), ending(stream)];
  await until(() => till.asked.has('hang 1'), 'the call arrives');
  await new Promise((resolve) => stream.once('data', resolve));
  unary.cancel();
  stream.cancel();
  expect((await one).code).toBe(status.CANCELLED);
  expect((await other).code).toBe(status.CANCELLED);
  await until(() => till.cancelled.has('hang 1'), 'the server learns of it');
  await until(() => till.cancelled.has('1000000 1024'), 'the server learns of it');
});

test('a deadline is known to the server, and ends the call there', async () => {
  const startedAtMs = Date.now();
  const told = await client.ask('hang 2', {}, 700);
  expect(told.status.code).toBe(status.DEADLINE_EXCEEDED);
  await until(() => till.cancelled.has('hang 2'), 'the server learns of it');
  const deadline = till.deadlines.get('hang 2') ?? Number.NaN;
  expect(deadline).toBeGreaterThan(startedAtMs);
  // The same moment at both ends, for what goes on is what is left.
  expect(Math.abs(deadline - (startedAtMs + 700))).toBeLessThan(300);
});

test('without a deadline the mesh has one, and a stream whose request goes on has none', async () => {
  const stream = client.stub.talk(new Metadata());
  const got: string[] = [];
  stream.on('data', (text: string) => got.push(text));
  const end = ending(stream);
  stream.write('early');
  await until(() => got.length === 1, 'the first reply');
  const startedAtMs = performance.now();
  const told = await client.ask('hang 3');
  expect(told.status).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  expect(told.status.metadata.get('x-leno-reason')).toEqual(['request-timeout']);
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(4_900);
  stream.write('late');
  stream.end();
  expect((await end).code).toBe(status.OK);
  expect(got).toEqual(['early!', 'late!']);
}, 30_000);

test('UNAVAILABLE is tried again where a policy says so', async () => {
  const told = await client.ask('busy 2 times');
  expect(told).toMatchObject({ text: 'busy 2 times', status: { code: status.OK } });
  expect(till.asked.get('busy 2 times')).toBe(3);
});

test('a name that is nothing is UNIMPLEMENTED, with the reason in the metadata', async () => {
  const other = new TillClient(web.outbound, 'nobody');
  const { status: end } = await other.ask('hello');
  other.close();
  expect(end.code).toBe(status.UNIMPLEMENTED);
  expect(end.details).toContain('nobody');
  expect(end.metadata.get('x-leno-reason')).toEqual(['no-route']);
});

test('codes are counted at both sides, and a record says why', async () => {
  const id = 'why-grpc-1';
  await client.ask(`fail ${status.DATA_LOSS} gone`, { 'x-request-id': id });
  for (const [entry, dir] of [
    [web, 'outbound'],
    [shop, 'inbound'],
  ] as const) {
    const pattern = new RegExp(
      `^leno_requests_total\\{dir="${dir}",.*status="200",flags="-",tls="mtls",grpc_status="15"\\} 1$`,
      'm',
    );
    await until(async () => pattern.test(String(await mesh.admin(entry, '/metrics'))), 'counted');
    const record = await mesh.admin(entry, `/why/${id}`);
    expect(record).toMatchObject({ outcome: 'failure', status: 200, grpcStatus: '15' });
    expect(record).toMatchObject({ attempts: [{ result: { kind: 'reply', grpcStatus: '15' } }] });
  }
});

test('a server that goes away is UNAVAILABLE, and found again when it is back', async () => {
  const stream = client.stub.talk(new Metadata());
  const end = ending(stream);
  const got = new Promise((resolve) => stream.once('data', resolve));
  stream.write('hello');
  await got;
  till.kill();
  expect((await end).code).toBe(status.UNAVAILABLE);
  expect((await client.ask('anybody?')).status.code).toBe(status.UNAVAILABLE);
  till = new Till();
  await till.listen(port);
  await until(async () => (await client.ask('back?')).text === 'back?', 'the server is back');
});
