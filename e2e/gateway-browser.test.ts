/** A page of a service, and all that it loads and opens, reach a browser through the gateway. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { allocatePorts } from '@leno/std/node';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { gateway, gatewayRoute, startGateway, type TestGateway } from './support/gateway.ts';
import { startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Through the gateway</title>
<style>body{font:16px system-ui;margin:3rem}dt{font-weight:600}</style>
<h1>Through the gateway</h1><dl><dt>fetch<dd id="fetched">waits<dt>protocol<dd id="protocol">waits
<dt>WebSocket<dd id="echoed">waits<dt>seen by the service<dd id="seen">waits</dl><script>
const put = (id, text) => { document.getElementById(id).textContent = text; };
fetch('/data').then((reply) => reply.json()).then((data) => {
  put('fetched', data.said);
  put('seen', data.proto + ' ' + data.host);
  put('protocol', performance.getEntriesByType('resource').at(-1).nextHopProtocol);
});
const socket = new WebSocket('wss://' + location.host + '/socket');
socket.onopen = () => socket.send('hello');
socket.onmessage = (event) => put('echoed', event.data);
</script></html>`;

let app: Server;
let mesh: TestMesh;
let edge: TestGateway;
let browser: Browser | undefined;
let port = 0;

/** An application with a page, knowing nothing of a mesh. */
async function startPageApp(): Promise<number> {
  app = createServer((request, response) => {
    const { headers, url } = request;
    response.setHeader('content-type', url === '/data' ? 'application/json' : 'text/html');
    const proto = headers['x-forwarded-proto'];
    const host = headers['x-forwarded-host'];
    response.end(url === '/data' ? JSON.stringify({ said: 'fetched', proto, host }) : html);
  });
  new WebSocketServer({ server: app, path: '/socket' }).on('connection', (socket) => {
    socket.on('message', (text: Buffer) => socket.send(`${text.toString()} again`));
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  return (app.address() as AddressInfo).port;
}

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  browser = await launchChromium();
  [port = 0] = await allocatePorts(1);
  const appPort = await startPageApp();
  mesh = await startMesh([{ service: 'page', env: { LENO_APP: `127.0.0.1:${appPort}` } }]);
  edge = await startGateway(mesh, 'edge', { LENO_WORKERS: '2' });
  await edge.certify('page', ['page.localhost']);
  const https = { name: 'https', port, hostname: 'page.localhost', certificate: 'page' };
  await mesh.apply(
    documents(
      meshConfig(),
      service('page', { app: 'page' }),
      gateway('edge', [https]),
      gatewayRoute('page', '{ name: edge, sectionName: https }', { service: 'page' }),
    ),
  );
  await mesh.ready();
  await until(async () => (await fetch(`http://${edge.admin}/readyz`)).ok, 'the gateway is ready');
});

afterAll(async () => {
  await browser?.close();
  await edge?.process.stop({ graceMs: 2_000 });
  await mesh?.stop();
  app?.closeAllConnections();
  app?.close();
});

test.skipIf(chromiumPath === undefined)(
  'a page, its fetch over HTTP/2 and its WebSocket, from two workers (needs chromium)',
  async () => {
    if (browser === undefined) throw new Error('no browser');
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (it) => {
      if (it.type() === 'error') complaints.push(it.text());
    });
    page.on('pageerror', (it) => complaints.push(String(it)));
    const reply = await page.goto(`https://page.localhost:${port}/`);
    expect(reply?.status()).toBe(200);
    await page.getByText('hello again').waitFor();
    const shown = (id: string) => page.locator(`#${id}`).innerText();
    await expect.poll(() => shown('protocol')).toBe('h2');
    expect(await shown('fetched')).toBe('fetched');
    expect(await shown('seen')).toBe(`https page.localhost:${port}`);
    const picture = process.env['LENO_E2E_PICTURES'];
    if (picture !== undefined) await page.screenshot({ path: join(picture, 'gateway.png') });
    expect(complaints.filter((it) => !it.includes('favicon'))).toEqual([]);
    await context.close();
  },
);
