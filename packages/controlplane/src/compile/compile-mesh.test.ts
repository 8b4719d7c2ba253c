import { decodeResource } from '@leno/config';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planApply } from '../apply.ts';
import type { StoredObject } from '../mesh-object.ts';
import { MeshState } from '../mesh-state.ts';
import type { Instance } from '../registry/instance.ts';
import { Registry } from '../registry/registry.ts';
import { MemoryStore } from '../store/memory-store.ts';
import type { Json } from '../store/store.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { compileMesh } from './compile-mesh.ts';

const trust = { trustDomain: 'mesh.local', roots: ['root'], sequence: 1 };
const time = new VirtualTime();

function instanceOf(id: string, labels: Record<string, string> = {}): Instance {
  const [service = ''] = id.split('-');
  const address = { namespace: 'default', address: '10.0.0.1', port: 15_006, weight: 1 };
  const identity = `spiffe://mesh.local/ns/default/sa/${service}`;
  const all = { app: service, ...labels };
  return { id, service, health: 'ready', transport: 'mtls', labels: all, identity, ...address };
}

async function openMesh() {
  return MeshState.open({
    store: new MemoryStore(),
    registry: new Registry(),
    compile: (input) => compileMesh(input, trust),
    digest: () => '',
    clock: time,
    timers: time,
  });
}

/** What a user writes, to what is pushed: one line for each resource, `@` the version. */
async function transcript(steps: readonly (string | Instance | { readonly gone: string })[]) {
  const state = await openMesh();
  for (const step of steps) {
    if (typeof step === 'string') {
      const { changes, findings } = planApply(state, [{ text: step, file: 'test' }]);
      expect(findings.filter((it) => it.severity === 'error')).toEqual([]);
      await state.commitObjects({ changes, expect: new Map(), author: 'test', reason: '' });
    } else {
      if ('gone' in step) state.registry.drop('s', step.gone);
      else state.registry.register('s', step, 15_000, time.nowMs());
      await state.registryChanged();
    }
  }
  const { resources } = state.view;
  for (const it of resources) expect(decodeResource(it)).toMatchObject({ ok: true });
  return resources.map((it) => `${it.type} ${it.name}@${it.version} [${it.bundle}] ${gist(it)}`);
}

function gist({ type, body }: { type: string; body: unknown }): string {
  if (type === 'endpoints') {
    const { endpoints } = body as { endpoints: { id: string; identity?: string }[] };
    return endpoints.map((it) => `${it.id}=${it.identity?.slice(-7)}`).join(' ');
  }
  if (type === 'service') {
    return (body as { ports: { port: number; protocol: string }[] }).ports
      .map((it) => `${it.port}/${it.protocol}`)
      .join(' ');
  }
  return '';
}

const service = (name: string, spec: string) =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: ${spec}}`;
const split = (weight: number) => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{kind: Service, name: cart, group: ""}]
  rules:
  - backendRefs:
    - {name: cart, port: 80, weight: ${weight}}
    - {name: canary, port: 80, weight: 1}
`;
const mesh = ['telemetry mesh@1 [mesh] ', 'trustBundle mesh.local@1 [mesh] '];

test.each([
  { name: 'an empty mesh has its settings and its roots', steps: [], lines: mesh },
  {
    name: 'a service that nobody wrote exists by its instances, and outlives them for a while',
    steps: [instanceOf('cart-1'), instanceOf('cart-2'), { gone: 'cart-1' }, { gone: 'cart-2' }],
    lines: [
      'endpoints default/cart@5 [default/cart] ',
      'service default/cart@2 [default/cart] 80/http',
      ...mesh,
    ],
  },
  {
    name: 'a written service selects by labels; its endpoints carry the identity of who registered',
    steps: [
      service('cart', '{ports: [{port: 8080, name: grpc}], selector: {tier: shop}}'),
      instanceOf('cart-1', { tier: 'shop' }),
      instanceOf('other-1', { tier: 'shop' }),
      instanceOf('cart-2'),
    ],
    lines: [
      'endpoints default/cart@4 [default/cart] cart-1=sa/cart other-1=a/other',
      'endpoints default/other@4 [default/other] other-1=a/other',
      'service default/cart@2 [default/cart] 8080/grpc',
      'service default/other@4 [default/other] 80/http',
      ...mesh,
    ],
  },
  {
    name: 'a change of one route moves that route only, and a change of words moves nothing',
    steps: [
      `${service('cart', '{ports: [{port: 80}]}')}\n---\n${service('canary', '{ports: [{port: 80}]}')}`,
      split(9),
      split(8),
      service('cart', '{ports: [{port: 80, protocol: TCP}], type: ClusterIP}'),
    ],
    lines: [
      'endpoints default/canary@2 [default/canary] ',
      'endpoints default/cart@2 [default/cart] ',
      'route default/cart@4 [default/cart] ',
      'service default/canary@2 [default/canary] 80/http',
      'service default/cart@2 [default/cart] 80/http',
      ...mesh,
    ],
  },
])('$name', async ({ steps, lines }) => {
  expect(await transcript(steps)).toEqual(lines);
});

test('property: the order in which things came makes no difference to what is compiled', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const run = async (order: readonly string[]): Promise<string> => {
    const state = await openMesh();
    for (const it of order) {
      state.registry.register('s', instanceOf(`${it}-1`), 15_000, time.nowMs());
      const { changes } = planApply(state, [
        { text: service(it, '{ports: [{port: 80}]}'), file: '' },
      ]);
      await state.commitObjects({ changes, expect: new Map(), author: '', reason: '' });
    }
    const content = state.view.resources.map(({ type, name, hash, bundle, body }) => ({
      type,
      name,
      hash,
      bundle,
      body,
    }));
    return JSON.stringify(content);
  };
  const expected = await run(names);
  const order = fc.shuffledSubarray(names, { minLength: names.length });
  await fc.assert(
    fc.asyncProperty(order, async (it) => {
      expect(await run(it)).toBe(expected);
    }),
    { numRuns: 20 },
  );
});

function storedPolicy(spec: Json): StoredObject {
  return {
    object: {
      apiVersion: 'leno.dev/v1',
      kind: 'AccessPolicy',
      namespace: 'default',
      name: 'p',
      labels: {},
      annotations: {},
      spec,
    },
    resourceVersion: 1,
    createdAtMs: 0,
  };
}

function pushedPolicies(spec: Json, services: readonly string[] = []) {
  const vacant = services.map((it) => (it.includes('/') ? it : `default/${it}`));
  const input = { objects: [storedPolicy(spec)], instances: [], vacant };
  const policies = compileMesh(input, trust).filter(({ type }) => type === 'policy');
  return policies.map((it) => [it.name, it.bundle, decodeResource({ ...it, version: 1 }).ok]);
}

test('an access policy that no longer passes its checks is pushed so that proxies refuse it', () => {
  const pushed = (rules: unknown[]) =>
    pushedPolicies({ targetRef: { name: 'cart' }, action: 'DENY', rules } as Json);
  expect(pushed([{}])).toEqual([['default/p', 'default/cart', true]]);
  expect(pushed([{ notFrom: {} }])).toEqual([['default/p', 'default/cart', false]]);
});

test.each([
  { name: 'a target that is no text', spec: { targetRef: { name: 7 }, action: 'DENY' } },
  { name: 'a target that can name no service', spec: { targetRef: { name: 'Cart' } } },
  { name: 'a target of another shape', spec: { targetRef: 'cart' } },
  { name: 'a target that is null', spec: { targetRef: null } },
  { name: 'no target', spec: {} },
  { name: 'no spec', spec: null },
])('$name closes every service that the policy may have been meant for', ({ spec }) => {
  expect(pushedPolicies(spec, ['cart', 'web', 'other/web'])).toEqual([
    ['default/p/cart', 'default/cart', false],
    ['default/p/web', 'default/web', false],
  ]);
});
