/**
 * Who may call the application behind this proxy, compiled from a view: the policies of its own
 * service, who may speak for others, and whether plaintext is taken. One immutable value of the table.
 */
import { type AccessPolicy, compilePolicies, type Decider } from '@leno/authz';
import type { MeshBody } from '@leno/config';
import type { DecodedView } from '../table/decode.ts';

export interface InboundAccess {
  readonly decider: Decider;
  /** Names the policies, with their content: equal where nothing about access has changed. */
  readonly key: string;
  /** Whether the service has any policy at all; if not, decisions are not counted. */
  readonly hasPolicies: boolean;
  /** SPIFFE ids of those who may say for whom they call. */
  readonly forwarders: ReadonlySet<string>;
  /** The port of the service that HTTP is spoken on; undefined if there are several, or none. */
  readonly httpPort: number | undefined;
  /** The same for TCP. */
  readonly tcpPort: number | undefined;
  /** Why nobody is let in at all. */
  readonly closedBecause: string | undefined;
}

const neverConfigured = 'this proxy has never had a config: nothing is let in';

const lost = 'its policies cannot be read, and there are none from before: nothing is let in';

/** Before any config: nobody may. */
export const noAccess: InboundAccess = {
  decider: compilePolicies([]),
  key: '',
  hasPolicies: false,
  forwarders: new Set(),
  httpPort: undefined,
  tcpPort: undefined,
  closedBecause: neverConfigured,
};

/** Whose access, and what it was before. */
export interface AccessScope {
  /** `namespace/name`. */
  readonly service: string;
  readonly mesh: MeshBody | undefined;
  readonly before: InboundAccess;
}

/** Compiles the access to one service; gives what was before if nothing of it has changed. */
export function compileAccess(
  view: DecodedView,
  { service, mesh, before }: AccessScope,
): InboundAccess {
  if (mesh === undefined) return noAccess;
  const policies: AccessPolicy[] = [];
  const keys: string[] = [];
  for (const resource of view.resources.values()) {
    if (resource.type !== 'policy' || resource.body.service !== service) continue;
    const { action, dryRun, rules } = resource.body;
    policies.push({ name: resource.name, action, dryRun, rules });
    keys.push(`${resource.name}@${resource.hash}`);
  }
  const { trustDomain } = mesh;
  const admitsAnonymous = mesh.mtls.permissive.includes(service);
  const forwarders = mesh.mtls.trustedForwarders ?? [];
  const httpPort = onlyPort(view, service, (protocol) => protocol !== 'tcp');
  const tcpPort = onlyPort(view, service, (protocol) => protocol === 'tcp');
  const isLost = view.lostBundles.has(service);
  const ports = [httpPort, tcpPort];
  const key = JSON.stringify([keys, trustDomain, admitsAnonymous, forwarders, ports, isLost]);
  if (key === before.key) return before;
  return {
    decider: compilePolicies(policies, { trustDomain, admitsAnonymous }),
    key,
    hasPolicies: policies.length > 0,
    forwarders: new Set(forwarders),
    httpPort,
    tcpPort,
    closedBecause: isLost ? lost : undefined,
  };
}

/** Sidecars have one application: which of several ports was meant is only the client's word. */
function onlyPort(
  view: DecodedView,
  service: string,
  isMeant: (protocol: string) => boolean,
): number | undefined {
  const resource = view.resources.get(`service/${service}`);
  if (resource?.type !== 'service') return undefined;
  const ports = resource.body.ports.filter(({ protocol }) => isMeant(protocol));
  return ports.length === 1 ? ports[0]?.port : undefined;
}
