/**
 * The control plane dies and stays away: traffic goes on, a sidecar even restarts on what it kept on
 * disk, and when the control plane is back everybody agrees again within seconds.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byStatus, failures, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, service, split } from './support/config.ts';
import { startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const OUTAGE_MS = process.env['LENO_TEST_LONG'] === undefined ? 8_000 : 60_000;
let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'web' },
    { service: 'catalog', version: 'v1' },
    { service: 'catalog', version: 'v1' },
    { service: 'catalog', version: 'v2' },
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      service('catalog', { app: 'catalog' }),
      service('catalog-v1', { app: 'catalog', version: 'v1' }),
      service('catalog-v2', { app: 'catalog', version: 'v2' }),
      split('catalog', { 'catalog-v1': 50, 'catalog-v2': 50 }),
    ),
  );
  await mesh.ready();
});

afterAll(async () => {
  await mesh?.stop();
});

test(`no request fails while the control plane is dead for ${OUTAGE_MS / 1_000} s, nor when it returns`, async () => {
  const web = mesh.apps.find(({ service: name }) => name === 'web');
  // One of the two that serve v1: while it restarts, the other is there.
  const second = mesh.apps.find((it) => it.service === 'catalog' && it.version === 'v1');
  if (web === undefined || second === undefined) throw new Error('too few');
  const client = new MeshClient(web.outbound);
  const load = startLoad(client, 'catalog', { perSecond: 100 });
  await until(() => load.replies.length > 100, 'traffic flows');

  mesh.control.process.kill('SIGKILL');
  await mesh.control.process.exited;
  const diedAtMs = performance.now();

  // A sidecar restarts without anybody to ask: it serves from its last-known-good.
  await second.sidecar.stop();
  const restartedAtMs = performance.now();
  await mesh.restartSidecar(second);
  const restarted = new MeshClient(second.outbound);
  await until(async () => (await restarted.send('web')).status === 200, 'served from disk', 10_000);
  const servedMs = performance.now() - restartedAtMs;
  const ready = (await mesh.admin(second, '/readyz')) as { ready: boolean };
  expect(ready.ready).toBe(true);

  await until(() => performance.now() - diedAtMs > OUTAGE_MS, 'the outage', OUTAGE_MS + 10_000);
  await mesh.startControlPlane();
  const convergedMs = await until(() => converged(), 'all proxies back and agreed', 15_000);
  await until(
    () => performance.now() - diedAtMs > OUTAGE_MS + 3_000,
    'a while after',
    OUTAGE_MS + 30_000,
  );
  const replies = await load.stop();
  const [received, retried] = [await mesh.totalOf('catalog'), await mesh.retriesOf(web)];
  console.log(
    `${replies.length} requests ${JSON.stringify(byStatus(replies))}, the applications counted ` +
      `${received}, retries ${retried}; restarted sidecar served after ` +
      `${servedMs.toFixed(0)} ms, converged ${convergedMs.toFixed(0)} ms after the control plane was ready`,
  );
  expect(failures(replies)).toEqual([]);
  expect(received).toBeGreaterThanOrEqual(replies.length);
  expect(received).toBeLessThanOrEqual(replies.length + retried);
  expect(convergedMs).toBeLessThan(3 * 5_000);
  client.close();
  restarted.close();
});

async function converged(): Promise<boolean> {
  const status = await mesh.api('GET', '/v1/status');
  const proxies = status['proxies'] as { connected: number; synced: number };
  const instances = status['instances'] as { ready: number };
  const everybody = mesh.apps.length;
  return (
    status['converged'] === true &&
    proxies.connected === everybody &&
    proxies.synced === everybody &&
    instances.ready === everybody
  );
}
