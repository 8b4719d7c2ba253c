/** What `compose.yaml` says, where no engine is at hand to carry it out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../tools/packages.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly mem_limit?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
}

const text = readFileSync(join(repository, 'compose.yaml'), 'utf8');
const file = parse(text, { merge: true }) as Readonly<Record<string, unknown>>;
const services = Object.entries(file['services'] as Readonly<Record<string, Service>>);
const sidecars = services.filter(([name]) => name.endsWith('-sidecar'));
const byName = new Map(services);

test('fourteen apps live in the network of a sidecar each', () => {
  expect(sidecars).toHaveLength(14);
  for (const [name] of sidecars) {
    const app = byName.get(name.replace('-sidecar', ''));
    expect(app?.network_mode).toBe(`service:${name}`);
    expect(app?.depends_on?.[name]).toBeDefined();
  }
});

test('each sidecar has a token made for it', () => {
  const made = byName.get('tokens')?.command?.slice(1);
  const wanted = sidecars.map(
    ([, { environment: it }]) => `${it?.['LENO_SERVICE']}=${it?.['LENO_INSTANCE']}`,
  );
  expect(made).toEqual(wanted);
});

test('one app only knows of no proxy: its network is redirected', () => {
  const apps = sidecars.map(([name]) => name.replace('-sidecar', ''));
  const without = apps.filter(
    (name) => byName.get(name)?.environment?.['HTTP_PROXY'] === undefined,
  );
  expect(without).toEqual(['cart-v1']);
  expect(byName.get('cart-v1')?.depends_on?.['cart-v1-redirect']?.condition).toBe(
    'service_completed_successfully',
  );
});

test('all have a memory limit, and what runs on has a health check', () => {
  const once = /^(?:tokens|.*-redirect|load|prometheus|grafana|jaeger)$/;
  const unlimited = services.filter(([, it]) => it.mem_limit === undefined);
  const unchecked = services.filter(
    ([name, it]) => !once.test(name) && it.healthcheck === undefined,
  );
  expect([unlimited, unchecked]).toEqual([[], []]);
});

test('ports are open to this machine only, and mounted files are there', () => {
  for (const [, { ports = [], volumes = [] }] of services) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const volume of volumes.filter((it) => it.startsWith('./'))) {
      expect(existsSync(join(repository, volume.split(':')[0] ?? ''))).toBe(true);
    }
  }
});

test('it uses nothing that one of the two makes of Compose cannot read', () => {
  for (const key of ['include', 'name', 'version', 'configs']) expect(file).not.toHaveProperty(key);
  expect(text).not.toMatch(/^\s+develop:/m);
});

test('images that others make belong to the profile observability', () => {
  const others = services.filter(([, it]) => !it.image.startsWith('leno'));
  expect(others.map(([name]) => name)).toEqual(['prometheus', 'grafana', 'jaeger']);
  for (const [, it] of others) expect(it.profiles).toEqual(['observability']);
});

test('Prometheus scrapes every sidecar', () => {
  const scrape = readFileSync(join(repository, 'infra/prometheus/prometheus.yml'), 'utf8');
  expect(scrape.match(/[\w-]+-sidecar:15020/g)).toEqual(sidecars.map(([name]) => `${name}:15020`));
});
