/**
 * The page in a browser, told of a mesh with one of each kind of trouble. Shown with the strictest
 * policy that a host can set, so that an inline style or a request to elsewhere is an error here.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { repository } from '../tools/packages.ts';
import { chromiumPath, launchChromium } from './support/chromium.ts';
import { type DashboardServer, startDashboardServer } from './support/dashboard-server.ts';

const dist = join(repository, 'apps/dashboard/dist');
const needsBrowser = 'needs chromium';
let browser: Browser | undefined;
let server: DashboardServer | undefined;

beforeAll(async () => {
  if (chromiumPath !== undefined) browser = await launchChromium();
});

afterEach(async () => {
  await server?.close();
  server = undefined;
});

afterAll(async () => {
  await browser?.close();
});

interface View {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens the page; errors of the console and requests to elsewhere are kept. */
async function open(scheme: 'light' | 'dark' = 'light'): Promise<View> {
  server = await startDashboardServer(dist);
  if (browser === undefined) throw new Error(needsBrowser);
  const page = await browser.newPage({
    colorScheme: scheme,
    viewport: { width: 1_440, height: 1_280 },
  });
  const complaints: string[] = [];
  page.on('console', (it) => {
    if (it.type() === 'error' || it.type() === 'warning') complaints.push(it.text());
  });
  page.on('pageerror', (it) => complaints.push(String(it)));
  page.on('request', (it) => {
    if (!/^(?:http|ws):\/\/127\.0\.0\.1:/.test(it.url())) complaints.push(`asks ${it.url()}`);
  });
  await page.goto(server.url);
  await page.getByText('live', { exact: true }).waitFor();
  return { page, complaints };
}

async function rowOf(page: Page, table: string, text: string): Promise<string> {
  const row = page.locator(`section:has(#${table}) tbody tr`, { hasText: text }).first();
  return (await row.innerText()).replaceAll(/\s+/g, ' ');
}

test('the page and all it loads are at most 60 KB compressed', async () => {
  const files = await readdir(dist, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((it) => it.isFile())
    .map(async (it) => gzipSync(await readFile(join(it.parentPath, it.name))).length);
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(total).toBeGreaterThan(1_000);
  expect(total).toBeLessThanOrEqual(60_000);
});

test.skipIf(chromiumPath === undefined)(
  'shows who calls whom and how (needs chromium)',
  async () => {
    const { page, complaints } = await open();
    expect(await page.getByText('config v48').innerText()).toContain('7f3a91b');
    expect(await page.getByText('rejected by 1').isVisible()).toBe(true);
    expect(await rowOf(page, 'topology', 'catalog')).toMatch(
      /storefront catalog √ .*100% 120 .*v1 50% · v2 50%/,
    );
    expect(await rowOf(page, 'topology', 'payments')).toMatch(
      /× ?71\.40% 9\.1 310 ms 1\.02 s 1.240/,
    );
    expect(await rowOf(page, 'topology', 'inventory')).toMatch(/^no identity inventory × /);
    expect(await page.locator('#topology ~ .note').innerText()).toContain(
      '1 without full mutual TLS',
    );
    expect(complaints).toEqual([]);
  },
);

test.skipIf(chromiumPath === undefined)('shows what each proxy runs (needs chromium)', async () => {
  const { page } = await open('dark');
  const states = ['catalog-2', 'cart-1', 'orders-1', 'storefront-1'];
  const rows = await Promise.all(states.map((it) => rowOf(page, 'proxies', it)));
  expect(rows[0]).toMatch(/catalog v2 v48 7f3a91b ×REJECTED v48 12 s 23h 51m 58 61 MiB 14m 0s/);
  expect(rows[1]).toMatch(/×OFFLINE 32 s ×expired – – seen 32 s ago/);
  expect(rows[2]).toMatch(/‼PENDING 900 ms ‼20m 0s/);
  expect(rows[3]).toMatch(/√SYNCED 40 ms/);
  const reason = page.locator('.faults');
  expect(await reason.innerText()).toContain('rules[0].backends weights sum to 90');
  expect(await rowOf(page, 'events', 'lease expired')).toContain('cart-1 lost');
});

test.skipIf(chromiumPath === undefined)(
  'is worked by keyboard: a filter, an order (needs chromium)',
  async () => {
    const { page } = await open();
    await page.keyboard.press('/');
    await page.keyboard.type('payments');
    const rows = page.locator('section:has(#topology) tbody tr');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByRole('searchbox').fill('');
    await expect.poll(() => rows.count()).toBe(5);
    const rps = page.locator('section:has(#topology) th', { hasText: 'RPS' });
    await rps.getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect(await rps.getAttribute('aria-sort')).toBe('descending');
    expect(await rows.first().innerText()).toContain('catalog');
    await page.keyboard.press('Enter');
    expect(await rows.first().innerText()).toContain('notify');
    expect(await rps.getAttribute('aria-sort')).toBe('ascending');
  },
);

test.skipIf(chromiumPath === undefined)(
  'says that it is offline, keeps its figures, and comes back (needs chromium)',
  async () => {
    const { page } = await open();
    const port = server?.port ?? 0;
    await server?.close();
    await page.getByText('OFFLINE', { exact: true }).first().waitFor();
    expect(await page.getByRole('alert').first().innerText()).toMatch(
      /No word from the control plane/,
    );
    expect(await rowOf(page, 'topology', 'catalog')).toContain('120');
    server = await startDashboardServer(dist, port);
    await page.getByText('live', { exact: true }).waitFor();
    expect(await page.getByText('No word from the control plane').count()).toBe(0);
  },
);

test.skipIf(chromiumPath === undefined)(
  'says what an empty mesh wants (needs chromium)',
  async () => {
    const { page } = await open();
    server?.setEmpty();
    await page.getByText('No request yet').waitFor();
    expect(await page.getByText('No proxy has joined').isVisible()).toBe(true);
    expect(await page.getByText('No service is registered').isVisible()).toBe(true);
  },
);
