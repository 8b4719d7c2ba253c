/**
 * The demo in containers, for real: built, brought up, used as a visitor would, taken down. The app
 * whose network is redirected is part of it, and the script that redirects is run by itself.
 */
import { allocatePorts } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Compose, composeCommand } from './support/compose.ts';
import { until } from './support/until.ts';

const upMs = 600_000;
const isAbsent = composeCommand === undefined;
let mesh: Compose;
let api = '';
let shop = '';

interface Edge {
  readonly source: string;
  readonly target: string;
  readonly requestCount: number;
  readonly mtlsRatio: number | null;
  readonly totals: { readonly requestCount: number; readonly mtlsCount: number };
}

beforeAll(async () => {
  if (isAbsent) return;
  const [apiPort = 0, shopPort = 0] = await allocatePorts(2);
  mesh = new Compose('leno-e2e', { api: apiPort, shop: shopPort });
  api = `http://127.0.0.1:${apiPort}`;
  shop = `http://127.0.0.1:${shopPort}`;
  await mesh.compose('down', '--volumes', '--remove-orphans');
  await mesh.compose('up', '--detach', '--build');
}, upMs);

afterAll(async () => {
  if (isAbsent) return;
  await mesh.compose('down', '--volumes', '--remove-orphans');
  const leftovers = await mesh.leftovers();
  if (leftovers !== '') throw new Error(`left behind: ${leftovers}`);
}, 180_000);

async function json<Body>(path: string): Promise<Body> {
  const reply = await fetch(api + path);
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as Body;
}

async function edgeOf(source: string, target: string): Promise<Edge | undefined> {
  const { edges } = await json<{ readonly edges: readonly Edge[] }>('/v1/topology?windowS=60');
  return edges.find((it) => it.source === source && it.target === target);
}

/** What a program in the container of a service ends with: 0, or the code of its failure. */
async function exitCodeIn(service: string, ...command: readonly string[]): Promise<number> {
  try {
    await mesh.docker('exec', await mesh.idOf(service), ...command);
    return 0;
  } catch (thrown) {
    return (thrown as { readonly cause?: { readonly code?: number } }).cause?.code ?? -1;
  }
}

test.skipIf(isAbsent)(
  'all of it comes up and converges (needs a Docker engine)',
  async () => {
    interface Status {
      readonly converged: boolean;
      readonly proxies: { readonly connected: number };
      readonly instances: { readonly ready: number };
    }
    const isUp = async () => {
      const { converged, proxies, instances } = await json<Status>('/v1/status');
      return converged && proxies.connected === 14 && instances.ready === 14;
    };
    await until(isUp, '14 proxies connected, 14 instances ready, converged', 120_000);
  },
  upMs,
);

test.skipIf(isAbsent)('the shop sells, over mutual TLS (needs a Docker engine)', async () => {
  for (let visit = 0; visit < 20; visit += 1) {
    const reply = await fetch(shop, { headers: { 'x-request-id': `compose.${visit}` } });
    expect([visit, reply.status]).toEqual([visit, 200]);
    expect(await reply.text()).toContain('Leno Coffee');
  }
  const isSeen = async () => {
    const edge = await edgeOf('default/storefront', 'default/catalog');
    return edge !== undefined && edge.totals.requestCount >= 20;
  };
  await until(isSeen, 'the edge storefront → catalog is seen');
  const edge = await edgeOf('default/storefront', 'default/catalog');
  expect(edge?.totals.mtlsCount).toBe(edge?.totals.requestCount);
});

test.skipIf(isAbsent)(
  'an app that knows of no proxy calls through its sidecar (needs a Docker engine)',
  async () => {
    const before = (await edgeOf('default/cart', 'default/inventory'))?.totals.requestCount ?? 0;
    for (let visit = 0; visit < 10; visit += 1) {
      const body = new URLSearchParams({ item: 'dawn', quantity: '1' });
      const headers = { cookie: `session=compose-${visit}` };
      const reply = await fetch(`${shop}/cart`, { method: 'POST', body, headers });
      expect([visit, reply.status]).toEqual([visit, 200]);
    }
    const isSeen = async () => {
      const edge = await edgeOf('default/cart', 'default/inventory');
      return (edge?.totals.requestCount ?? 0) >= before + 10;
    };
    await until(isSeen, 'ten requests more on the edge cart → inventory');
    const edge = await edgeOf('default/cart', 'default/inventory');
    expect(edge?.totals.mtlsCount).toBe(edge?.totals.requestCount);
  },
);

test.skipIf(isAbsent)(
  'what dials a redirected app in the clear gets nothing from it (needs a Docker engine)',
  async () => {
    const ask = (host: string) =>
      `fetch('http://${host}/__demo/counts').then((it) => process.exit(it.ok ? 3 : 4), () => process.exit(5))`;
    // The app listens on all addresses, and is asked on its own port: only the redirection is in between.
    expect(await exitCodeIn('cart-v1', 'node', '-e', ask('127.0.0.1:8080'))).toBe(3);
    const answer = await exitCodeIn('legacy-importer', 'node', '-e', ask('cart-v1-sidecar:8080'));
    expect([4, 5]).toContain(answer);
  },
);

test.skipIf(isAbsent)(
  'redirecting twice is redirecting once, and --clean takes all of it away (needs a Docker engine)',
  async () => {
    const network = `container:${await mesh.idOf('notify-v1-sidecar')}`;
    const base = ['run', '--rm', '--cap-add', 'NET_ADMIN', '--network', network];
    const rules = () =>
      mesh.docker(...base, '--entrypoint', 'iptables', 'leno-redirect:local', '-t', 'nat', '-S');
    const redirect = (...args: readonly string[]) =>
      mesh.docker(...base, 'leno-redirect:local', ...args);
    const before = await rules();
    // A user that nobody is, so that the app beside goes on undisturbed.
    const options = [
      '--app-uid',
      '4242',
      '--skip-inbound',
      '15020',
      '--skip-outbound',
      '192.0.2.1:9902',
    ];
    await redirect(...options);
    const once = await rules();
    await redirect(...options);
    expect(await rules()).toBe(once);
    expect(once).toMatch(/LENO_OUTBOUND -d 192\.0\.2\.1\/32 -p tcp .*--dport 9902 -j RETURN/);
    expect(once).toMatch(/LENO_OUTBOUND .*--uid-owner 4242 -j REDIRECT --to-ports 15001/);
    await redirect('--clean');
    expect(await rules()).toBe(before);
  },
);

test.skipIf(isAbsent)(
  'containers run as users without rights (needs a Docker engine)',
  async () => {
    const uids = ['control-plane', 'cart-v1-sidecar', 'cart-v1'].map(async (service) => {
      return (await mesh.docker('exec', await mesh.idOf(service), 'id', '-u')).trim();
    });
    expect(await Promise.all(uids)).toEqual(['1337', '1337', '1000']);
  },
);
