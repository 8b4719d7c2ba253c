/** Who may open a TCP connection, by policies: at a real inbound listener, through a real proxy. */
import { connect, createServer, type Socket } from 'node:net';
import { TcpServer } from '@leno/http';
import { codeOf } from '@leno/std';
import { renderPrometheus } from '@leno/telemetry';
import { afterEach, expect, test } from 'vitest';
import { idOf } from '../testing/identities.ts';
import { openProxy, type ProxyBed } from '../testing/proxy-bed.ts';
import { endpoint, type Mesh } from '../testing/views.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** `web` calls `db`, whose application says `hello` to everybody. */
async function bench() {
  const seen: Socket[] = [];
  const app = createServer((socket) => {
    seen.push(socket);
    socket.on('error', () => undefined);
    socket.write('hello');
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    app.close();
    for (const socket of seen) socket.destroy();
  });
  const address = app.address();
  const appPort = typeof address === 'object' && address !== null ? address.port : 0;
  const web = await openProxy('web');
  const db = await openProxy('db', appPort);
  open.push(() => Promise.all([web.close(), db.close()]));
  const { tcp } = web.dataPlane.engine;
  const listener = new TcpServer({
    handler: (socket, peer) => tcp.dialled('db:5432', socket, peer),
  });
  const { port } = await listener.listen(0, '127.0.0.1');
  open.push(() => listener.close());
  const put = (policies: readonly object[], more: Mesh = {}): void => {
    const services = { db: [endpoint(db.inboundPort, 'db')] };
    const mesh: Mesh = { tcp: ['db'], services, access: { db: policies }, ...more };
    for (const bed of [web, db]) expect(bed.apply(mesh)).toMatchObject({ status: 'applied' });
  };
  return { web, db, port, seen, put };
}

/** Gives what was heard first, or how it ended before that; the connection stays. */
function listenTo(port: number): { first: Promise<string>; end: Promise<string> } {
  const socket = connect(port, '127.0.0.1');
  open.push(() => socket.destroy());
  let how = 'clean';
  socket.on('error', (error) => {
    how = codeOf(error);
  });
  const end = new Promise<string>((resolve) => socket.on('close', () => resolve(how)));
  const words = new Promise<string>((resolve) => socket.once('data', (it) => resolve(String(it))));
  return { first: Promise.race([words, end]), end };
}

const from = (...peers: readonly string[]) => ({ from: { principals: peers.map(idOf) } });
const reasonsOf = ({ dataPlane }: ProxyBed): (string | undefined)[] =>
  [...dataPlane.engine.journal.recorder.records(Number.POSITIVE_INFINITY)].map((it) => it.reason);

test.each([
  {
    name: 'its caller is let in',
    policies: [{ action: 'ALLOW', rules: [from('web')] }],
    as: 'hello',
  },
  { name: 'another is', policies: [{ action: 'ALLOW', rules: [from('cart')] }], as: 'ECONNRESET' },
  {
    name: 'its port is',
    policies: [{ action: 'ALLOW', rules: [{ to: { ports: [5_432] } }] }],
    as: 'hello',
  },
  {
    name: 'only a method of HTTP is, which nobody can see',
    policies: [{ action: 'ALLOW', rules: [{ to: { methods: ['GET'] } }] }],
    as: 'ECONNRESET',
  },
  {
    name: 'a path is denied, which nobody can see',
    policies: [{ action: 'DENY', rules: [{ to: { paths: [{ prefix: '/admin' }] } }] }],
    as: 'ECONNRESET',
  },
])('policies: $name', async ({ policies, as }) => {
  const { web, db, port, seen, put } = await bench();
  put(policies);
  expect(await listenTo(port).first).toBe(as);
  if (as === 'hello') return;
  expect(seen).toHaveLength(0);
  expect([reasonsOf(web), reasonsOf(db)]).toEqual([['denied'], ['denied']]);
  expect(renderPrometheus(db.metrics)).toMatch(
    /leno_authz_total\{policy="[^"]*",decision="deny",peer="default\/web"\} 1/,
  );
  for (const bed of [web, db]) await expect.poll(() => bed.leaks()).toEqual([]);
});

test('nobody sends bytes to an application of HTTP, whatever his own sidecar thinks of its ports', async () => {
  const { web, db, port, seen, put } = await bench();
  put([{ action: 'ALLOW', rules: [from('web')] }]);
  const { first, end } = listenTo(port);
  expect(await first).toBe('hello');
  const services = { db: [endpoint(db.inboundPort, 'db')] };
  const access = { db: [{ action: 'ALLOW', rules: [from('web')] }] };
  expect(db.apply({ services, access })).toMatchObject({ status: 'applied' });
  expect(await end).toBe('ECONNRESET');
  expect(await listenTo(port).first).toBe('ECONNRESET');
  expect(seen).toHaveLength(1);
  expect(reasonsOf(db)).toEqual(['denied', 'denied']);
  for (const bed of [web, db]) await expect.poll(() => bed.leaks()).toEqual([]);
});

test('a change of access ends what it no longer allows, and nothing else', async () => {
  const { web, db, port, put } = await bench();
  put([{ action: 'ALLOW', rules: [from('web')] }]);
  const { first, end } = listenTo(port);
  expect(await first).toBe('hello');
  put([{ action: 'ALLOW', rules: [from('web', 'cart')] }]);
  expect(db.dataPlane.engine.tcp.openCount('inbound')).toBe(1);
  put([{ action: 'DENY', rules: [from('web')] }]);
  expect(await end).toBe('ECONNRESET');
  expect(reasonsOf(db)).toEqual(['denied']);
  for (const bed of [web, db]) await expect.poll(() => bed.leaks()).toEqual([]);
});
