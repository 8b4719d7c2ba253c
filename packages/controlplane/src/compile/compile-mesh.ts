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

/** What can be the name of a service (RFC 1123 labels); anything else names none. */
const nameOfService = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

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
  const services = compiled.flatMap(({ type, name }) => (type === 'service' ? [name] : []));
  const unreadable = input.objects.flatMap((stored) => unreadablePolicy(stored, services));
  return [...compiled, ...unreadable, bundle];
}

/**
 * In a form that every proxy refuses: it keeps what it has, or lets nobody in, and says why. Where it
 * cannot be read for which of the `services` the policy was meant, it may have been any of its namespace.
 */
function unreadablePolicy(stored: StoredObject, services: readonly string[]): readonly Compiled[] {
  const { kind, namespace, name, spec } = stored.object;
  if (kind !== 'AccessPolicy' || configObject(stored) !== undefined) return [];
  const refused = (policy: string, service: string): Compiled => {
    const body = { service, unreadable: spec };
    const hash = canonicalHash(body);
    return { type: 'policy', name: policy, bundle: service, hash, body };
  };
  const target = (spec as { targetRef?: { name?: unknown } | null } | null)?.targetRef?.name;
  const own = `${namespace}/${name}`;
  if (typeof target === 'string' && nameOfService.test(target)) {
    return [refused(own, `${namespace}/${target}`)];
  }
  const concerned = services.filter((service) => service.startsWith(`${namespace}/`));
  // No other policy can be called so: names of objects have no slash.
  return concerned.map((service) =>
    refused(`${own}/${service.slice(namespace.length + 1)}`, service),
  );
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
