/** A sidecar that is told to go while it is busy loses nothing: of callers, of the called, on any protocol. */
import { Agent, request } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byStatus, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const REQUEST_COUNT = 500;
const HANG_MS = 1_500;

let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'web' },
    { service: 'shop', id: 'shop-1' },
    { service: 'shop', id: 'shop-2' },
  ]);
  await mesh.apply(
    documents(meshConfig(), service('web', { app: 'web' }), service('shop', { app: 'shop' })),
  );
  await mesh.ready();
});

afterAll(async () => {
  await mesh?.stop();
});

function found(id: string): MeshApp {
  const entry = mesh.apps.find((it) => it.id === id || it.service === id);
  if (entry === undefined) throw new Error(`no ${id}`);
  return entry;
}

interface Answer {
  readonly status: number;
  readonly connection: string | undefined;
}

/** One POST, which nobody may repeat, on a connection of the agent's; never rejects. */
function post(entry: MeshApp, agent: Agent): Promise<Answer> {
  const [host = '', port = ''] = entry.outbound.split(':');
  return new Promise((resolve) => {
    const headers = { host: 'shop', 'content-length': 3 };
    const outgoing = request({ host, port, agent, method: 'POST', headers }, (incoming) => {
      incoming.resume();
      incoming.on('error', () => resolve({ status: 0, connection: undefined }));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, connection: incoming.headers.connection }),
      );
    });
    outgoing.on('error', () => resolve({ status: 0, connection: undefined }));
    outgoing.end('pay');
  });
}

async function busy(entry: MeshApp, count: number): Promise<void> {
  const active = async (): Promise<number> => {
    const stats = (await mesh.admin(entry, '/stats')) as {
      readonly outbound: { readonly activeRequestCount: number };
    };
    return stats.outbound.activeRequestCount;
  };
  await until(async () => (await active()) >= count, `${count} under way`);
}

async function hang(hangMs: number): Promise<void> {
  for (const entry of mesh.apps) await mesh.knobs(entry, { hangMs });
}

test('the called one: what is in flight ends, and what comes goes elsewhere', async () => {
  const web = found('web');
  const agent = new Agent({ keepAlive: true });
  await hang(2 * HANG_MS);
  const flying = Array.from({ length: REQUEST_COUNT }, () => post(web, agent));
  // All of them have reached their applications, half of them the one that goes.
  await until(async () => (await mesh.totalOf('shop')) === REQUEST_COUNT, 'all are there');
  const first = found('shop-1');
  expect((await mesh.counts(first)).total).toBeGreaterThan(REQUEST_COUNT / 4);
  await hang(50);
  const client = new MeshClient(web.outbound);
  const load = startLoad(client, 'shop', {
    perSecond: 100,
    requests: () => ({ method: 'POST', body: 'pay' }),
  });
  const exit = await first.sidecar.stop({ graceMs: 20_000 });
  expect(exit.code).toBe(0);
  const replies = await Promise.all(flying);
  expect(byStatus(replies.map((it) => ({ ...it, ...nothing })))).toEqual({ 200: REQUEST_COUNT });
  expect(Object.keys(byStatus(await load.stop()))).toEqual(['200']);
  client.close();
  agent.destroy();
});

const nothing = { headers: {}, body: '', atMs: 0, tookMs: 0 };

/** Requests of a client of HTTP/2 that are under way, and what became of each. */
function flyOver2(entry: MeshApp, count: number) {
  const session: ClientHttp2Session = connect(`http://${entry.outbound}`);
  const replies = Array.from(
    { length: count },
    () =>
      new Promise<number>((resolve) => {
        const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': 'shop' });
        let status = 0;
        stream.on('response', (head) => (status = head[':status'] ?? 0));
        stream.on('error', () => resolve(0));
        stream.on('end', () => resolve(status));
        stream.resume();
        stream.end('pay');
      }),
  );
  const gone = new Promise<number>((resolve) => {
    session.on('goaway', (code: number) => resolve(code));
  });
  return { replies, gone };
}

test('the calling one: HTTP/1.1 is told close, HTTP/2 GOAWAY, and both get their replies', async () => {
  const web = found('web');
  await hang(HANG_MS);
  const agent = new Agent({ keepAlive: true });
  const idle = new Agent({ keepAlive: true });
  await mesh.knobs(found('shop-2'), { hangMs: 0 });
  expect((await post(web, idle)).status).toBe(200);
  const [kept] = Object.values(idle.freeSockets).flat();
  const idleEnded = new Promise((resolve) => kept?.once('close', resolve));
  await hang(HANG_MS);
  const over1 = Array.from({ length: 50 }, () => post(web, agent));
  const over2 = flyOver2(web, 50);
  await busy(web, 100);
  const exit = web.sidecar.stop({ graceMs: 20_000 });
  await idleEnded;
  const replies = await Promise.all(over1);
  expect(replies).toEqual(Array(50).fill({ status: 200, connection: 'close' }));
  expect(await over2.gone).toBe(0);
  expect(await Promise.all(over2.replies)).toEqual(Array(50).fill(200));
  expect((await exit).code).toBe(0);
  agent.destroy();
  idle.destroy();
});
