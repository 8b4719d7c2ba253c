/**
 * From what is stored and who is registered to what is pushed: the compiler of the config package, and
 * around it what only the control plane knows, which is the trust bundle and services that stand empty.
 */
import {
  type Instance as ConfigInstance,
  type ConfigObject,
  canonicalHash,
  compileResources,
  decodeObject,
  meshBundle,
  type TrustBundleBody,
} from '@leno/config';
import { type MeshObject, objectDocument, type StoredObject } from '../mesh-object.ts';
import type { CompileInput } from '../mesh-state.ts';
import type { Compiled } from './compiled.ts';

/** The roots that the mesh trusts. */
export interface Trust {
  readonly trustDomain: string;
  /** PEM, one certificate each. */
  readonly roots: readonly string[];
  /** Grows with each change. */
  readonly sequence: number;
}

const decoded = new WeakMap<MeshObject, ConfigObject | undefined>();

/** A stored object as the config package knows it; undefined if it no longer passes its checks. */
export function configObject(stored: StoredObject): ConfigObject | undefined {
  if (!decoded.has(stored.object)) {
    const result = decodeObject(objectDocument(stored));
    decoded.set(stored.object, result.ok ? result.value : undefined);
  }
  return decoded.get(stored.object);
}

/** Instances as the config package knows them; each vacant service has one that is not ready. */
export function configInstances(
  input: Pick<CompileInput, 'instances' | 'vacant'>,
): readonly ConfigInstance[] {
  return [...input.instances, ...input.vacant.map(placeholder)];
}

/**
 * Compiles everything. Pure. Objects that no longer pass their checks are left out, but for access policies:
 * without one of them a service would be open to more than was said.
 */
export function compileMesh(input: CompileInput, trust: Trust): readonly Compiled[] {
  const { trustDomain, roots, sequence } = trust;
  const objects = input.objects.flatMap((it) => configObject(it) ?? []);
  const instances = configInstances(input);
  const body: TrustBundleBody = { trustDomain, roots: [...roots], sequence };
  const bundle: Compiled = {
    type: 'trustBundle',
    name: trustDomain,
    bundle: meshBundle,
    hash: canonicalHash(body),
    body,
  };
  const compiled = compileResources({ objects, instances, trustDomain });
  return [...compiled, ...input.objects.flatMap(unreadablePolicy), bundle];
}

/** In a form that every proxy refuses: it keeps what it has, or lets nobody in, and says why. */
function unreadablePolicy(stored: StoredObject): readonly Compiled[] {
  const { kind, namespace, name, spec } = stored.object;
  if (kind !== 'AccessPolicy' || configObject(stored) !== undefined) return [];
  const target = (spec as { targetRef?: { name?: unknown } } | null)?.targetRef?.name;
  if (typeof target !== 'string') return [];
  const service = `${namespace}/${target}`;
  const body = { service, unreadable: spec };
  const hash = canonicalHash(body);
  return [{ type: 'policy', name: `${namespace}/${name}`, bundle: service, hash, body }];
}

/** What a service without instances looks like to the compiler; it becomes no endpoint. */
function placeholder(key: string): ConfigInstance {
  const [namespace = '', service = ''] = key.split('/');
  const id = `vacant ${key}`;
  const address = '0.0.0.0';
  return {
    id,
    namespace,
    service,
    address,
    port: 1,
    health: 'notReady',
    transport: 'plain',
    labels: {},
  };
}
