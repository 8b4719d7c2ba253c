/**
 * Pushed resources to typed ones. A bundle is taken whole or not at all: one resource that cannot be
 * read keeps the last good state of its own bundle and disturbs no other.
 */
import { compilePolicies } from '@leno/authz';
import {
  type DecodedResource,
  decodeResource,
  type GatewayBody,
  type Resource,
  type TrafficPolicyBody,
} from '@leno/config';
import { messageOf } from '@leno/std';

/** Why a resource was not taken; travels to its author in the `ack`. */
export interface ResourceError {
  readonly type: string;
  readonly name: string;
  readonly version: number;
  readonly code: string;
  readonly path: string;
  readonly msg: string;
}

/** The same of a resource that is at hand. */
export type ResourceFault = Omit<ResourceError, 'type' | 'name' | 'version'>;

export interface DecodedView {
  /** By `type/name`. */
  readonly resources: ReadonlyMap<string, DecodedResource>;
  readonly errors: readonly ResourceError[];
  /** Bundles that were refused when there was nothing to fall back on: nothing is known of them. */
  readonly lostBundles: ReadonlySet<string>;
}

/** What one proxy is willing to hold. */
export interface ViewLimits {
  /** Rules of one route. */
  readonly ruleCountMax: number;
  /** Throws for a policy that no engine can run. */
  readonly checkPolicy?: (policy: TrafficPolicyBody) => void;
  /** Why a gateway cannot be what is asked of it here; undefined if it can. */
  readonly checkGateway?: (gateway: GatewayBody) => ResourceFault | undefined;
}

export const emptyView: DecodedView = {
  resources: new Map(),
  errors: [],
  lostBundles: new Set(),
};

/**
 * Decodes a whole view. What has the version it had in `before` is not decoded again; bundles with an
 * error keep what `before` had of them, also what the new view has dropped.
 */
export function decodeView(
  resources: readonly Resource[],
  before: DecodedView,
  limits: ViewLimits,
): DecodedView {
  const errors: ResourceError[] = [];
  const badBundles = new Set<string>();
  const decoded = new Map<string, DecodedResource>();
  for (const resource of resources) {
    const key = keyOf(resource);
    const known = before.resources.get(key);
    if (known !== undefined && known.version === resource.version && known.hash === resource.hash) {
      decoded.set(key, known);
      continue;
    }
    const result = decodeResource(resource);
    const error = result.ok ? unusable(result.value, limits) : result.error;
    if (result.ok && error === undefined) {
      decoded.set(key, result.value);
      continue;
    }
    badBundles.add(resource.bundle);
    const { type, name, version } = resource;
    errors.push({ type, name, version, ...(error ?? unreadable) });
  }
  const good = withLastGood(decoded, before, badBundles);
  const lostBundles = lostAfter(good.values(), before.lostBundles, badBundles);
  return { resources: good, errors, lostBundles };
}

/** Who has a view after another has judged it must know what that one has lost. */
export function lostAfter(
  inForce: Iterable<Pick<Resource, 'bundle'>>,
  before: Iterable<string>,
  badBundles: Iterable<string>,
): ReadonlySet<string> {
  const lost = new Set([...badBundles, ...before]);
  // A bundle that was lost stays so until something good comes of it, even if it is not sent again.
  if (lost.size > 0) for (const { bundle } of inForce) lost.delete(bundle);
  return lost;
}

const unreadable = { code: 'LENO_UNREADABLE', path: '', msg: 'the resource cannot be read' };

/** What a schema cannot say: numbers that contradict each other, and bounds of this proxy. */
function unusable(resource: DecodedResource, limits: ViewLimits): ResourceFault | undefined {
  try {
    if (resource.type === 'trafficPolicy') limits.checkPolicy?.(resource.body);
    else if (resource.type === 'policy') compilePolicies([{ ...resource.body, name: 'body' }]);
  } catch (thrown) {
    return { code: 'LENO_POLICY', path: 'body', msg: messageOf(thrown) };
  }
  if (resource.type === 'listener') return limits.checkGateway?.(resource.body);
  return overLimit(resource, limits);
}

/** A bound of this proxy that the resource exceeds, in the form of a decoding error. */
function overLimit(resource: DecodedResource, limits: ViewLimits): ResourceFault | undefined {
  if (resource.type !== 'route' || resource.body.rules.length <= limits.ruleCountMax) {
    return undefined;
  }
  const msg = `${resource.body.rules.length} rules, and this proxy takes ${limits.ruleCountMax}: see LENO_ROUTE_RULE_COUNT_MAX`;
  return { code: 'LENO_RULE_COUNT', path: 'body.rules', msg };
}

function withLastGood(
  decoded: ReadonlyMap<string, DecodedResource>,
  before: DecodedView,
  badBundles: ReadonlySet<string>,
): ReadonlyMap<string, DecodedResource> {
  if (badBundles.size === 0) return decoded;
  const good = new Map([...decoded].filter(([, resource]) => !badBundles.has(resource.bundle)));
  for (const [key, resource] of before.resources) {
    if (badBundles.has(resource.bundle)) good.set(key, resource);
  }
  return good;
}

function keyOf(resource: Pick<Resource, 'type' | 'name'>): string {
  return `${resource.type}/${resource.name}`;
}
