/** Who may call, from what an operator writes to what a caller gets: real processes, one AccessPolicy. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { leno as runLeno, type Spoken } from './support/leno.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';

let mesh: TestMesh;
let web: MeshClient;
let other: MeshClient;

beforeAll(async () => {
  mesh = await startMesh([{ service: 'web' }, { service: 'other' }, { service: 'catalog' }]);
  const names = ['web', 'other', 'catalog'];
  await mesh.apply(documents(meshConfig(), ...names.map((name) => service(name, { app: name }))));
  await mesh.ready();
  web = new MeshClient(find('web').outbound);
  other = new MeshClient(find('other').outbound);
});

afterAll(async () => {
  web?.close();
  other?.close();
  await mesh?.stop();
});

const policy = (rules: string, spec = ''): string => `apiVersion: leno.dev/v1
kind: AccessPolicy
metadata: { name: catalog-readers, namespace: default }
spec:
  targetRef: { name: catalog }
  action: ALLOW
${spec}  rules:
${rules}`;

const webReads = `    - name: web-reads
      from: { principals: [spiffe://mesh.local/ns/default/sa/web] }
      to: { methods: [GET], paths: [{ prefix: /items }] }
`;

async function apply(text: string): Promise<Spoken> {
  const file = join(mesh.directory, 'access.yaml');
  await writeFile(file, text);
  return leno('apply', '-f', file, '--wait', '10s');
}

async function statusOf(client: MeshClient, path: string, method = 'GET'): Promise<number> {
  return (await client.send('catalog', { path, method })).status;
}

test('on trial it denies nobody and is counted; in force it denies and says why to the operator', async () => {
  expect(await statusOf(other, '/items')).toBe(200);
  expect(await apply(policy(webReads, '  dryRun: true\n'))).toMatchObject({ code: 0 });
  expect(await statusOf(other, '/items')).toBe(200);
  expect(await metricsOf('catalog')).toMatch(
    /leno_authz_total\{policy="default\/catalog-readers",decision="would_deny",peer="default\/other"\} 1\n/,
  );

  expect(await apply(policy(webReads))).toMatchObject({ code: 0 });
  expect(await statusOf(web, '/items/1')).toBe(200);
  expect(await statusOf(web, '/items/1', 'PUT')).toBe(403);
  expect(await statusOf(web, '/items/%2e%2e/secrets')).toBe(400);
  const headers = { 'x-request-id': 'who-was-it' };
  const denied = await other.send('catalog', { path: '/items', headers });
  expect(denied).toMatchObject({ status: 403, headers: { 'x-leno-reason': 'denied' } });
  expect(denied.body).not.toContain('catalog-readers');
  const record = await fetch(`http://${find('catalog').admin}/why/who-was-it`);
  expect(await record.text()).toContain('no rule of the ALLOW policies lets it in');
});

test('what is not understood is refused, and what was in force stays', async () => {
  const { code, stderr } = await apply(policy(`${webReads}      notFrom: {}\n`));
  expect(code).toBe(1);
  expect(stderr).toMatch(/LN0101\s+error\s+\S*access\.yaml:\d+/);
  expect(await statusOf(other, '/items')).toBe(403);
  expect(await statusOf(web, '/items')).toBe(200);
});

test('it is shown, and goes when it is deleted', async () => {
  expect((await leno('get', 'accesspolicy')).stdout).toMatch(/default\s+AccessPolicy\s+catalog-r/);
  await mesh.api('DELETE', '/v1/resources/AccessPolicy/default/catalog-readers');
  await expect.poll(() => statusOf(other, '/items'), { timeout: 15_000 }).toBe(200);
});

async function metricsOf(name: string): Promise<string> {
  return (await fetch(`http://${find(name).metrics}/metrics`)).text();
}

function find(name: string): MeshApp {
  const found = mesh.apps.find((it) => it.service === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Runs the real command against this mesh. */
function leno(...args: readonly string[]): Promise<Spoken> {
  return runLeno(args, {
    LENO_HOME: mesh.directory,
    LENO_API: mesh.control.api,
    LENO_API_TOKEN_FILE: join(mesh.directory, 'api-token'),
  });
}
