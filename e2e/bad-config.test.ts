/** Mistakes in configuration: refused before they are stored, or by the proxy, never half applied. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { documents, meshConfig, service, split } from './support/config.ts';
import { leno as runLeno, type Spoken } from './support/leno.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';

let mesh: TestMesh;
let client: MeshClient;

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'web', env: { LENO_ROUTE_RULE_COUNT_MAX: '2' } },
    { service: 'catalog' },
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      service('catalog', { app: 'catalog' }),
      split('catalog', { catalog: 1 }),
    ),
  );
  await mesh.ready();
  client = new MeshClient(find('web').outbound);
});

afterAll(async () => {
  client?.close();
  await mesh?.stop();
});

test('an invalid route is refused with file, line and reason, and nothing of the file is applied', async () => {
  const file = join(mesh.directory, 'route.yaml');
  const before = (await mesh.api('GET', '/v1/status'))['head'];
  await writeFile(
    file,
    `${service('extra', { app: 'extra' })}---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: catalog, namespace: default }
spec:
  parentRefs:
    - { group: "", kind: Service, name: catalog }
  rules:
    - backendRefs:
        - { name: catalog, port: 80, wieght: 50 }
`,
  );
  const { code, stderr } = await leno('apply', '-f', file);
  expect(code).toBe(1);
  // The misspelt field stands in line 18 of the file.
  expect(stderr).toMatch(/LN\d{4}\s+error\s+\S*route\.yaml:18:\d+/);
  expect(stderr).toContain('wieght');
  expect(stderr).toContain('weight');
  expect((await mesh.api('GET', '/v1/status'))['head']).toEqual(before);
  expect((await client.send('catalog')).status).toBe(200);
});

test('a config that one proxy cannot apply is refused by it, the reason shows, traffic goes on', async () => {
  const rules = Array.from(
    { length: 4 },
    (_, index) => `    - matches: [{ path: { type: PathPrefix, value: /p${index} } }]
      backendRefs: [{ name: catalog, port: 80 }]
`,
  ).join('');
  const text = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: catalog, namespace: default }
spec:
  parentRefs: [{ group: "", kind: Service, name: catalog }]
  rules:
${rules}`;
  const file = join(mesh.directory, 'large.yaml');
  await writeFile(file, text);
  const applied = await leno('apply', '-f', file, '--wait', '5s');
  expect(applied.code).toBe(1);
  expect(applied.stderr).toContain('LENO_ROUTE_RULE_COUNT_MAX');

  const shown = await leno('status');
  expect(shown.code).toBe(1);
  expect(shown.stdout).toMatch(/web-v1-1\s+web\s+v1\s+.*REJECTED v\d+/);
  expect(shown.stdout).toMatch(/catalog-v1-2\s+catalog\s+v1\s+.*SYNCED/);
  expect(shown.stdout).toContain('LENO_ROUTE_RULE_COUNT_MAX');
  // The last good route still serves every path; the refused one has no rule for this.
  expect((await client.send('catalog', { path: '/elsewhere' })).status).toBe(200);

  await mesh.apply(split('catalog', { catalog: 1 }));
  const healed = await leno('status');
  expect(healed.code).toBe(0);
  expect(healed.stdout).not.toContain('REJECTED');
});

test('get shows what is stored, and a control plane that is away is exit code 3', async () => {
  const { code, stdout } = await leno('get', 'httproute');
  expect(code).toBe(0);
  expect(stdout).toMatch(/default\s+HTTPRoute\s+catalog\s+\d+/);
  const away = await leno('--api', 'http://127.0.0.1:1', 'status');
  expect(away.code).toBe(3);
  expect(away.stderr).toContain('leno up');
  expect((await leno('explode')).code).toBe(2);
});

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
