/**
 * Who may call the application behind this proxy, compiled from a view: the policies of its own
 * service, who may speak for others, and whether plaintext is taken. One immutable value of the table.
 */
import { type AccessPolicy, compilePolicies, type Decider } from '@leno/authz';
import type { MeshBody, ServiceBody } from '@leno/config';
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
  /** Whether the service has a port for TCP at all; else nobody is let in whose bytes are not read. */
  readonly takesTcp: boolean;
  /** Why nobody is let in at all. */
  readonly closedBecause: string | undefined;
}

type ServicePort = ServiceBody['ports'][number];

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
  takesTcp: false,
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
  const ports = portsOf(view, service);
  const tcpPorts = ports.filter(({ protocol }) => protocol === 'tcp');
  const httpPort = onlyOf(ports.filter(({ protocol }) => protocol !== 'tcp'));
  const tcpPort = onlyOf(tcpPorts);
  const takesTcp = tcpPorts.length > 0;
  const isLost = view.lostBundles.has(service);
  const asked = [httpPort, tcpPort ?? takesTcp];
  const key = JSON.stringify([keys, trustDomain, admitsAnonymous, forwarders, asked, isLost]);
  if (key === before.key) return before;
  return {
    decider: compilePolicies(policies, { trustDomain, admitsAnonymous }),
    key,
    hasPolicies: policies.length > 0,
    forwarders: new Set(forwarders),
    httpPort,
    tcpPort,
    takesTcp,
    closedBecause: isLost ? lost : undefined,
  };
}

function portsOf(view: DecodedView, service: string): readonly ServicePort[] {
  const resource = view.resources.get(`service/${service}`);
  return resource?.type === 'service' ? resource.body.ports : [];
}

/** Sidecars have one application: which of several ports was meant is only the client's word. */
function onlyOf(ports: readonly ServicePort[]): number | undefined {
  return ports.length === 1 ? ports[0]?.port : undefined;
}
