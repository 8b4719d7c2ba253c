/**
 * The demo as a person meets it: up and green, the page and the dashboard in a real browser, a fault and its
 * recovery, and Ctrl-C that leaves nothing.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RunningProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { noBrowser, startBrowser } from './support/browser.ts';
import { startDemo } from './support/demo.ts';
import { leno } from './support/leno.ts';
import { until } from './support/until.ts';

interface Fleet {
  readonly shop: string;
  readonly controlPlane: { readonly api: string; readonly pid: number };
  readonly members: readonly {
    readonly id: string;
    readonly role: string;
    readonly version: string;
    readonly app: { readonly address: string; readonly pid: number };
    readonly sidecar: { readonly admin: string; readonly pid: number };
  }[];
  readonly legacy: { readonly pid: number; readonly address: string };
}

async function fleetOf(directory: string): Promise<Fleet> {
  return JSON.parse(await readFile(join(directory, 'fleet.json'), 'utf8')) as Fleet;
}

let directory: string;
let demo: RunningProcess;
let fleet: Fleet;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-demo-'));
  demo = startDemo(directory);
  const greenMs = await until(
    () => demo.recentLines().some((line) => line.startsWith('all green')),
    'all green',
    3 * 20_000,
  );
  console.log(`all green ${(greenMs / 1_000).toFixed(1)} s after the start`);
  fleet = await fleetOf(directory);
});

afterAll(async () => {
  await demo?.stop();
  await rm(directory, { recursive: true, force: true });
});

test('14 applications with sidecars, one without; everything green', async () => {
  expect(fleet.members).toHaveLength(14);
  const status = await json(`http://${fleet.controlPlane.api}/v1/status`);
  expect(status).toMatchObject({ converged: true, proxies: { connected: 14, synced: 14 } });
});

test.skipIf(noBrowser !== undefined)('the shop works in a browser (needs chromium)', async () => {
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`http://${fleet.shop}`)) foreign.push(request.url());
    });
    await page.goto(`http://${fleet.shop}/`);
    const text = await page.locator('body').innerText();
    expect(text).toContain('Leno Coffee');
    await page
      .getByRole('button', { name: /add|cart|buy/i })
      .first()
      .click();
    await page.waitForLoadState();
    expect(foreign).toEqual([]);
  } finally {
    await browser.close();
  }
});

test.skipIf(noBrowser !== undefined)(
  'the dashboard is live in a browser (needs chromium)',
  async () => {
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await page.goto(`http://${fleet.controlPlane.api}/`);
      await page.getByText('catalog').first().waitFor();
      await page
        .getByText(/synced/i)
        .first()
        .waitFor();
      const before = await page.locator('body').innerText();
      await until(
        async () => (await page.locator('body').innerText()) !== before,
        'figures that move',
        10_000,
      );
      for (const name of ['storefront', 'payments', 'inventory']) {
        expect(await page.getByText(name).count(), name).toBeGreaterThan(0);
      }
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);

test('payments v2 fails by its knob: its breaker opens alone, and closes when the fault ends', async () => {
  const [orders, bad] = [member('orders', 'v1'), member('payments', 'v2')];
  await knobs(bad.app.address, { errorRate: 1, ttlMs: 60_000 });
  const openedMs = await until(async () => (await breakers()).v2 !== 'closed', 'open', 30_000);
  expect((await breakers()).v1).toBe('closed');
  await knobs(bad.app.address, undefined);
  const closedMs = await until(async () => (await breakers()).v2 === 'closed', 'closed', 60_000);
  console.log(
    `opened after ${openedMs.toFixed(0)} ms, closed ${closedMs.toFixed(0)} ms after the fault`,
  );

  async function breakers(): Promise<{ v1: string; v2: string }> {
    const clusters = (await json(`http://${orders.sidecar.admin}/clusters`)) as readonly {
      name: string;
      endpoints: readonly { labels: { version: string }; breaker: { state: string } }[];
    }[];
    const endpoints = clusters.find(({ name }) => name === 'default/payments')?.endpoints ?? [];
    const of = (version: string): string =>
      endpoints.find(({ labels }) => labels.version === version)?.breaker.state ?? 'absent';
    return { v1: of('v1'), v2: of('v2') };
  }
});

test('the commands of the README: apply an example, ask for status, show the routes', async () => {
  const env = {
    LENO_HOME: directory,
    LENO_API: `http://${fleet.controlPlane.api}`,
    LENO_API_TOKEN_FILE: join(directory, 'api-token'),
  };
  const example = resolve(import.meta.dirname, '../examples/catalog-half.yaml');
  const applied = await leno(['apply', '-f', example], env);
  expect(applied.stderr).toBe('');
  expect(applied.stdout).toMatch(/live: 14\/14 proxies/);
  expect((await leno(['status'], env)).stdout.match(/SYNCED/g)).toHaveLength(14);
  expect((await leno(['get', 'httproute'], env)).stdout).toContain('catalog');
});

test('Ctrl-C leaves no process and no port', async () => {
  const pids = [
    fleet.controlPlane.pid,
    fleet.legacy.pid,
    ...fleet.members.flatMap(({ app, sidecar }) => [app.pid, sidecar.pid]),
  ];
  expect(pids.every(isAlive)).toBe(true);
  demo.kill('SIGINT');
  expect(await demo.exited).toMatchObject({ code: 0 });
  expect(pids.filter(isAlive)).toEqual([]);
  const addresses = [
    fleet.shop,
    fleet.controlPlane.api,
    ...fleet.members.map((it) => it.app.address),
  ];
  for (const address of addresses) expect(await isOpen(address), address).toBe(false);
});

function member(role: string, version: string): Fleet['members'][number] {
  const found = fleet.members.find((it) => it.role === role && it.version === version);
  if (found === undefined) throw new Error(`no ${role} ${version}`);
  return found;
}

async function json(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

async function knobs(address: string, body: object | undefined): Promise<void> {
  const method = body === undefined ? 'DELETE' : 'POST';
  await fetch(`http://${address}/__demo/knobs`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function isOpen(address: string): Promise<boolean> {
  const [host = '', port = '0'] = address.split(':');
  return new Promise((done) => {
    const socket = connect(Number(port), host);
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}
