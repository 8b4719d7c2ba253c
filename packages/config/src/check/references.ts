/** Findings about names that lead nowhere, and names that stand twice. */
import { qualified } from '../compile/mesh-body.ts';
import { referencedName } from '../compile/route-body.ts';
import type { LnCode } from '../findings/codes.ts';
import type { Fault, Path } from '../findings/finding.ts';
import { nearestName } from '../findings/nearest.ts';
import { isServiceRef } from '../kinds/gateway-ref.ts';
import { objectName } from '../kinds/kind.ts';
import type { EntryFault, MeshSet, RouteEntry } from './mesh-set.ts';

/** Two objects of one kind and name; the later one is at fault. */
export function duplicateNames({ entries }: MeshSet): readonly EntryFault[] {
  const seen = new Set<string>();
  return entries.flatMap((entry): readonly EntryFault[] => {
    const subject = `${entry.object.kind} ${objectName(entry.object)}`;
    if (!seen.has(subject)) {
      seen.add(subject);
      return [];
    }
    const value = entry.object.metadata.name;
    const message = `there is another ${subject}`;
    return [{ entry, fault: { code: 'LN0307', path: ['metadata', 'name'], message, value } }];
  });
}

/** Parents and backends of routes that do not exist, or not with that port, or that nobody serves. */
export function routeReferences(set: MeshSet): readonly EntryFault[] {
  return set.routes.flatMap((it) =>
    [...parentFaults(set, it), ...backendFaults(set, it)].map((fault) => ({
      entry: it.entry,
      fault,
    })),
  );
}

/** Policies whose target does not exist, or has a policy already; the later one is at fault. */
export function policyTargets(set: MeshSet): readonly EntryFault[] {
  const path: Path = ['spec', 'targetRef', 'name'];
  return set.policies.flatMap(({ entry, policy, body }): readonly EntryFault[] => {
    const value = policy.spec.targetRef.name;
    const { service } = body;
    if (!set.services.has(service))
      return [{ entry, fault: missing(set, 'LN0205', path, service) }];
    const first = set.policyOf.get(service);
    if (first === undefined || first.entry === entry) return [];
    const message = `${objectName(first.policy)} is a policy for ${service} already`;
    return [{ entry, fault: { code: 'LN0308', path, message, value } }];
  });
}

/** A second MeshConfig, and services in it that do not exist. */
export function meshSettings(set: MeshSet): readonly EntryFault[] {
  return set.meshConfigs.flatMap(({ entry, config }, index) => {
    const path: Path = ['metadata', 'name'];
    const message = 'there is another MeshConfig; the mesh has one';
    const second: Fault[] = index === 0 ? [] : [{ code: 'LN0309', path, message }];
    const permissive = config.spec.mtls?.permissive ?? [];
    const unknown = [...permissive.entries()].flatMap(([position, name]) => {
      if (set.services.has(qualified(name))) return [];
      const at: Path = ['spec', 'mtls', 'permissive', position];
      return [missing(set, 'LN0207', at, qualified(name))];
    });
    return [...second, ...unknown].map((fault) => ({ entry, fault }));
  });
}

function parentFaults(set: MeshSet, { route }: RouteEntry): readonly Fault[] {
  const { namespace } = route.metadata;
  return route.spec.parentRefs.flatMap((ref, index): readonly Fault[] => {
    if (!isServiceRef(ref)) return [];
    const path: Path = ['spec', 'parentRefs', index];
    const name = referencedName(ref, namespace);
    const service = set.services.get(name);
    if (service === undefined) return [missing(set, 'LN0201', [...path, 'name'], name)];
    const faults: Fault[] = [];
    if (ref.port !== undefined) faults.push(...portFault(set, [...path, 'port'], name, ref.port));
    const { sectionName } = ref;
    const names = service.ports.flatMap((port) => port.name ?? []);
    if (sectionName !== undefined && !names.includes(sectionName)) {
      const message = `service ${name} has no port called ${sectionName}`;
      const hint = nearestName(sectionName, names);
      const at: Path = [...path, 'sectionName'];
      faults.push({ code: 'LN0203', path: at, message, value: sectionName, hint });
    }
    return faults;
  });
}

function backendFaults(set: MeshSet, { route }: RouteEntry): readonly Fault[] {
  const { namespace } = route.metadata;
  return route.spec.rules.flatMap((rule, ruleIndex) =>
    (rule.backendRefs ?? []).flatMap((ref, index): readonly Fault[] => {
      if (ref.kind !== 'Service' || ref.group !== '') return [];
      const path: Path = ['spec', 'rules', ruleIndex, 'backendRefs', index];
      const name = referencedName(ref, namespace);
      if (!set.services.has(name)) return [missing(set, 'LN0202', [...path, 'name'], name)];
      const faults = portFault(set, [...path, 'port'], name, ref.port);
      if (faults.length > 0 || ref.weight === 0 || set.vacant?.has(name) !== true) return faults;
      const message = `no instance serves ${name} at present; its share would be answered 503`;
      return [{ code: 'LN0204', path: [...path, 'name'], message, value: ref.name }];
    }),
  );
}

/** A port that the service does not have; the service exists. */
export function portFault(set: MeshSet, path: Path, name: string, port: number): readonly Fault[] {
  const ports = set.services.get(name)?.ports.map((it) => it.port) ?? [];
  if (ports.includes(port)) return [];
  const message = `service ${name} has no port ${port}; it has ${ports.join(', ')}`;
  return [{ code: 'LN0203', path, message, value: port }];
}

/** A service that does not exist, and the nearest that does. */
export function missing(set: MeshSet, code: LnCode, path: Path, name: string): Fault {
  const hint = nearestService(set, name);
  return { code, path, message: `there is no service ${name}`, value: name, hint };
}

/** A service of a similar name in the same namespace, else of the same name in another. */
function nearestService(set: MeshSet, name: string): string | undefined {
  const [namespace = '', short = ''] = name.split('/');
  const bodies = [...set.services.values()];
  const neighbours = bodies.filter((it) => it.namespace === namespace).map((it) => it.name);
  const nearest = nearestName(short, neighbours);
  if (nearest !== undefined) return `${namespace}/${nearest}`;
  const namesake = bodies.find((it) => it.name === short);
  return namesake && `${namesake.namespace}/${short}`;
}
