/**
 * Applications may speak HTTP/2 with prior knowledge to their sidecar (gRPC does), on the port that
 * takes HTTP/1.1: the exchanges are the same from there on.
 */
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';

let mesh: TestMesh;
let web: MeshApp;
let session: ClientHttp2Session;

beforeAll(async () => {
  mesh = await startMesh([{ service: 'web' }, { service: 'catalog' }]);
  await mesh.apply(
    documents(meshConfig(), service('web', { app: 'web' }), service('catalog', { app: 'catalog' })),
  );
  await mesh.ready();
  const found = mesh.apps.find((it) => it.service === 'web');
  if (found === undefined) throw new Error('no web');
  web = found;
  session = connect(`http://${web.outbound}`);
});

afterAll(async () => {
  session?.destroy();
  await mesh?.stop();
});

/** One request on the one connection. */
function ask(
  path: string,
  { authority = 'catalog', body }: { authority?: string; body?: string } = {},
): Promise<{ headers: IncomingHttpHeaders & { ':status'?: number | undefined }; text: string }> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const stream = session.request({ ':method': method, ':path': path, ':authority': authority });
    let headers: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (got) => {
      headers = got;
    });
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.on('end', () => resolve({ headers, text }));
    stream.on('error', reject);
    stream.end(body);
  });
}

test('a request passes both sidecars with the identity of its caller', async () => {
  const { headers, text } = await ask('/items?page=2');
  expect(headers[':status']).toBe(200);
  const seen = JSON.parse(text) as { url: string; headers: Record<string, string> };
  expect(seen.url).toBe('/items?page=2');
  expect(seen.headers).toMatchObject({
    host: 'catalog',
    'x-leno-peer': 'spiffe://mesh.local/ns/default/sa/web',
  });
});

test('a body of more than all windows together passes', async () => {
  const body = 'x'.repeat(3_000_000);
  const { headers, text } = await ask('/echo', { body });
  expect(headers[':status']).toBe(200);
  expect((JSON.parse(text) as { body: number }).body).toBe(body.length);
});

test('two hundred requests at once share the connection', async () => {
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, index) => ask(`/many/${index}`)),
  );
  const urls = replies.map(({ text }) => (JSON.parse(text) as { url: string }).url);
  expect(urls).toEqual(Array.from({ length: 200 }, (_, index) => `/many/${index}`));
});

test('a name that is nothing is a 404 that says so, and the connection serves on', async () => {
  const { headers } = await ask('/', { authority: 'nobody' });
  expect(headers).toMatchObject({ ':status': 404, 'x-leno-reason': 'no-route' });
  expect((await ask('/')).headers[':status']).toBe(200);
});

test('HTTP/1.1 is served beside it', async () => {
  const client = new MeshClient(web.outbound);
  expect((await client.send('catalog')).status).toBe(200);
  client.close();
});
