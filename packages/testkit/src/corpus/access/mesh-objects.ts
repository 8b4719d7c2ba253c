/** What a corpus says of policies and routes, in the words in which a user would say it to this mesh. */
import {
  analyze,
  type ConfigObject,
  compileResources,
  decodeObject,
  type Finding,
} from '@leno/config';
import type { CorpusPolicy } from '../http/path-authz-format.ts';
import type { Unversioned } from './control-plane.ts';

export const TRUST_DOMAIN = 'mesh.local';

/** What is in force in the bed. */
export interface MeshSays {
  readonly policies: readonly CorpusPolicy[];
  readonly trustedForwarders?: readonly string[];
  /** Default: nothing is let out. */
  readonly egress?: 'passthrough' | undefined;
  readonly pathRegex?: string | undefined;
}

/** What is pushed, or why it would not be taken from a user. */
export type Compiled =
  | { readonly kind: 'resources'; readonly resources: readonly Unversioned[] }
  | { readonly kind: 'refused'; readonly why: string };

/** Rules go through as they are, with members that nobody knows: they must be refused. */
export function compileMesh({
  policies,
  trustedForwarders,
  egress,
  pathRegex,
}: MeshSays): Compiled {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'tcp', port: 5_432, appProtocol: 'tcp' },
  ];
  const written: object[] = [
    { ...head('v1', 'Service', 'svc'), spec: { ports } },
    {
      apiVersion: 'leno.dev/v1',
      kind: 'MeshConfig',
      metadata: { name: 'mesh' },
      spec: {
        accessLog: { successEvery: 1 },
        ...(egress === undefined ? {} : { egress }),
        ...(trustedForwarders === undefined ? {} : { mtls: { trustedForwarders } }),
      },
    },
    ...policies.map(({ action, rules }, index) => ({
      ...head('leno.dev/v1', 'AccessPolicy', `policy-${index}`),
      spec: { targetRef: { name: 'svc' }, action, rules },
    })),
    ...(pathRegex === undefined ? [] : [route(pathRegex)]),
  ];
  const objects: ConfigObject[] = [];
  for (const one of written) {
    const decoded = decodeObject(one);
    if (!decoded.ok) return refused(decoded.error);
    objects.push(decoded.value);
  }
  const findings = analyze(objects.map((object) => ({ object })));
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) return refused(errors);
  const input = { objects, instances: [], trustDomain: TRUST_DOMAIN };
  return { kind: 'resources', resources: compileResources(input) };
}

function refused(findings: readonly Finding[]): Compiled {
  const [first] = findings;
  return { kind: 'refused', why: `${first?.code} ${first?.path}: ${first?.message}` };
}

function head(apiVersion: string, kind: string, name: string): object {
  return { apiVersion, kind, metadata: { namespace: 'local', name } };
}

function route(pathRegex: string): object {
  const parentRefs = [{ group: '', kind: 'Service', name: 'svc' }];
  const path = { type: 'RegularExpression', value: pathRegex };
  const rules = [{ matches: [{ path }], backendRefs: [{ name: 'svc', port: 80 }] }];
  const { apiVersion, kind, metadata } = head(
    'gateway.networking.k8s.io/v1',
    'HTTPRoute',
    'route',
  ) as Record<string, unknown>;
  return { apiVersion, kind, metadata, spec: { parentRefs, rules } };
}
