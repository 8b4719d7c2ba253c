import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { viewDigest } from '@leno/config';
import {
  ConfigDesk,
  compileMesh,
  EventLog,
  MemoryStore,
  MeshState,
  Registry,
} from '@leno/controlplane';
import { systemClock as clock, systemTimers as timers } from '@leno/std';
import { afterEach, expect, test } from 'vitest';
import { ConfigDirectory } from './config-directory.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function open() {
  const directory = mkdtempSync(join(tmpdir(), 'leno-directory-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  const trust = { trustDomain: 'mesh.local', roots: ['root'], sequence: 1 };
  const state = await MeshState.open({
    ...{ store: new MemoryStore(), registry: new Registry(), clock, timers, digest: viewDigest },
    compile: (input) => compileMesh(input, trust),
  });
  const sessions = () => [];
  const configDesk = new ConfigDesk({ state, events: new EventLog(), sessions, clock, timers });
  const problems: (string | undefined)[] = [];
  const synchronised = (problem: string | undefined): void => void problems.push(problem);
  const watched = new ConfigDirectory({ directory, state, configDesk, timers, synchronised });
  cleanups.push(() => watched.close());
  const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
  const remove = (file: string) => rmSync(join(directory, file));
  /** `name:port` of every service, in order. */
  const look = () =>
    [...state.objects.values()]
      .map(({ object }) => `${object.name}:${(object.spec as unknown as Spec).ports[0]?.port}`)
      .toSorted()
      .join(' ');
  const apply = (text: string) => configDesk.change({ texts: [{ text, file: '' }], author: 'api' });
  return { watched, write, remove, look, apply, problems, state };
}
interface Spec {
  readonly ports: readonly { readonly port: number }[];
}
const service = (name: string, port: number) =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {ports: [{port: ${port}}]}}\n`;

test('files are applied, followed, and taken back when they go', async () => {
  const { watched, write, remove, look } = await open();
  write('a.yaml', `${service('cart', 80)}---\n${service('stock', 80)}`);
  write('.hidden.yaml', service('hidden', 80));
  write('notes.txt', 'no configuration');
  await watched.start();
  expect(look()).toBe('cart:80 stock:80');
  write('a.yaml', service('cart', 81));
  await expect.poll(look, { timeout: 5_000 }).toBe('cart:81');
  remove('a.yaml');
  await expect.poll(look, { timeout: 5_000 }).toBe('');
});

test('an edit through the API stands until the file speaks anew', async () => {
  const { watched, write, look, apply } = await open();
  write('a.yaml', service('cart', 80));
  await watched.synchronise();
  await apply(service('cart', 90));
  await apply(service('own', 70));
  await watched.synchronise();
  expect(look()).toBe('cart:90 own:70');
  write('a.yaml', service('cart', 81));
  await watched.synchronise();
  expect(look()).toBe('cart:81 own:70');
});

test('one error anywhere applies nothing at all, and says where it is', async () => {
  const { watched, write, look, problems } = await open();
  write('a.yaml', service('cart', 80));
  await watched.synchronise();
  write('a.yaml', service('cart', 81));
  write('b.yaml', 'apiVersion: v1\nkind: Servce\nmetadata: {name: x}\n');
  await watched.synchronise();
  expect(look()).toBe('cart:80');
  expect(problems.at(-1)).toMatch(/^b\.yaml:2:7: LN0004 error: .*did you mean Service/);
  write('b.yaml', service('cart', 82));
  await watched.synchronise();
  expect(problems.at(-1)).toBe('b.yaml: Service/default/cart stands in a.yaml too');
});

test('a repeated look changes nothing', async () => {
  const { watched, write, state } = await open();
  write('a.yaml', service('cart', 80));
  await watched.synchronise();
  const { version } = state.view;
  await watched.synchronise();
  expect(state.view.version).toBe(version);
});
