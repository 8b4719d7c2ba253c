/**
 * A sidecar that is flooded until its memory is short: it refuses what it need not take, loses nothing
 * that it has taken, lives, and serves again as soon as the flood is over.
 */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { failures, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { memoryOf } from './support/process-figures.ts';
import { until } from './support/until.ts';

const MIB = 1024 * 1024;
/** What the flood may fill, beside what the sidecar takes at rest. */
const ROOM_BYTES = 64 * MIB;
/** What takes some ten seconds where nothing else runs. */
const SLOW_MS = 90_000;
/** Without shedding, several times as much as there is room for. */
const FLOOD_COUNT = 2_000;

let mesh: TestMesh;
let web: MeshApp;

beforeAll(async () => {
  mesh = await startMesh([{ service: 'web' }, { service: 'catalog' }]);
  const policy = `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: { name: catalog, namespace: default }
spec:
  targetRef: { name: catalog }
  timeouts: { request: 2m, perTry: 2m }
  breaker: { consecutiveFailures: 0, successRateMin: 0 }
  limits: { connections: 2000, pending: 2000, requests: 2000 }
`;
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      service('catalog', { app: 'catalog' }),
      policy,
    ),
  );
  await mesh.ready();
  const found = mesh.apps.find((it) => it.service === 'web');
  if (found === undefined) throw new Error('no web');
  web = found;
});

afterAll(async () => {
  await mesh?.stop();
});

async function rssBytes(): Promise<number> {
  return (await memoryOf(web.sidecar.pid)).rssBytes;
}

async function metric(series: string, of: MeshApp = web): Promise<number> {
  const text = String(await mesh.admin(of, '/metrics'));
  const lines = text.split('\n').filter((it) => it.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Starts the sidecar again with so much memory beside what it has. */
async function restartWith(roomBytes: number): Promise<void> {
  const limit = String((await rssBytes()) + roomBytes);
  await web.sidecar.stop();
  Object.assign(web.sidecarEnv, { LENO_MEMORY_BYTES_MAX: limit });
  await mesh.restartSidecar(web);
  await mesh.ready();
}

/** Uploads that never end; each sends as much as is taken of it, and for one that is closed comes another. */
class Flood {
  /** How many were begun. */
  dialledCount = 0;
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  readonly #timer: NodeJS.Timeout;

  constructor(port: number) {
    this.#port = port;
    this.#timer = setInterval(() => {
      for (let index = 0; index < 25 && this.#sockets.size < FLOOD_COUNT; index += 1) this.#dial();
    }, 50);
  }

  stop(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #dial(): void {
    const socket = connect(this.#port, '127.0.0.1');
    this.dialledCount += 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.resume();
    socket.write('POST /slow HTTP/1.1\r\nHost: catalog\r\nContent-Length: 99999999\r\n\r\n');
    socket.write(piece);
  }
}

/** The sidecar says that it is short of memory, and refuses what it is asked. */
async function untilRefusing(client: MeshClient): Promise<void> {
  await until(async () => {
    const readiness = await fetch(`http://${web.admin}/readyz`);
    return readiness.status === 503 && (await readiness.text()).includes('overload: memory');
  }, 'it says that it is not ready');
  // By what step it is depends on the moment: the request is refused, or its connection.
  await until(async () => {
    const { status, headers } = await client.send('catalog');
    return status === 503 && headers['x-leno-reason'] === 'overloaded';
  }, 'a request is refused');
}

const piece = Buffer.alloc(MIB);

test('sheds before memory runs out, and recovers', { timeout: 400_000 }, async () => {
  await restartWith(ROOM_BYTES);
  const catalog = mesh.apps.find((it) => it.service === 'catalog');
  if (catalog === undefined) throw new Error('no catalog');
  const client = new MeshClient(web.outbound);
  expect((await client.send('catalog')).status).toBe(200);
  // The application takes nothing any more: what is uploaded stays in the sidecars.
  catalog.app.kill('SIGSTOP');
  const early = new MeshClient(web.outbound);
  const accepted = early.send('catalog', { path: '/accepted' });
  // Taken by both sidecars: before that, it could be among what is refused.
  const active = 'leno_listener_active_requests{listener="inbound"}';
  await until(async () => (await metric(active, catalog)) === 1, 'it waits for the application');
  const flood = new Flood(Number(web.outbound.split(':')[1]));
  let peakBytes = 0;
  try {
    await until(
      async () => {
        peakBytes = Math.max(peakBytes, await rssBytes());
        return flood.dialledCount >= FLOOD_COUNT;
      },
      'the whole flood has come',
      SLOW_MS,
    );
    await untilRefusing(client);
  } finally {
    flood.stop();
    catalog.app.kill('SIGCONT');
  }
  expect((await accepted).status).toBe(200);
  const isOver = async () => (await metric('leno_overload_state')) === 0;
  await until(isOver, 'the overload is over', SLOW_MS);
  const shed = 'leno_overload_shed_total{listener="outbound",kind=';
  const refused = await metric(`${shed}"request"}`);
  expect(refused + (await metric(`${shed}"connection"}`))).toBeGreaterThan(0);
  // Readings are 100 ms apart, and what was let in may still fill its buffers; without any of it it is beyond 2.3 times.
  expect(peakBytes).toBeLessThan(2 * Number(web.sidecarEnv['LENO_MEMORY_BYTES_MAX']));
  await until(
    async () => {
      const { status, body, error } = await client.send('catalog');
      if (status !== 200) throw new Error(`${status} ${body} ${error ?? ''}`);
      return true;
    },
    'served again',
    SLOW_MS,
  );
  // What the flood has left behind is cleared away meanwhile: a first hundred may still be cut short.
  await until(
    async () => {
      const load = startLoad(client, 'catalog', { perSecond: 100 });
      await until(() => load.replies.length >= 100, 'a hundred replies');
      const [first] = failures(await load.stop());
      if (first !== undefined)
        throw new Error(`${first.status} ${first.body} ${first.error ?? ''}`);
      return true;
    },
    'a hundred requests on end are served',
    SLOW_MS,
  );
  expect(web.sidecar.running).toBe(true);
  client.close();
  early.close();
});
