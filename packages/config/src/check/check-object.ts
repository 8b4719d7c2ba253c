/** What can be said of an object alone, beyond its schema. */
import { unreachable } from '@leno/std';
import { defaults } from '../defaults.ts';
import type { Fault, Path } from '../findings/finding.ts';
import { optionalMs } from '../kinds/duration.ts';
import type { ConfigObject } from '../kinds/kind.ts';
import type { Service } from '../kinds/service.ts';
import type { TrafficPolicy } from '../kinds/traffic-policy.ts';
import { checkAccessPolicy } from './check-access-policy.ts';
import { checkGateway } from './check-gateway.ts';
import { checkHttpRoute } from './check-http-route.ts';

/** The faults of one object whose schema holds. */
export function checkObject(object: ConfigObject): readonly Fault[] {
  switch (object.kind) {
    case 'Service':
      return checkService(object);
    case 'Gateway':
      return checkGateway(object);
    case 'HTTPRoute':
      return checkHttpRoute(object);
    case 'TrafficPolicy':
      return checkTrafficPolicy(object);
    case 'AccessPolicy':
      return checkAccessPolicy(object);
    case 'MeshConfig':
      return [];
    default:
      return unreachable(object);
  }
}

function checkService(service: Service): readonly Fault[] {
  const { ports } = service.spec;
  const path: Path = ['spec', 'ports'];
  return [
    ...repeated(
      ports.map(({ port }) => String(port)),
      path,
      'port',
    ),
    ...repeated(
      ports.map(({ name }) => name),
      path,
      'name',
    ),
  ];
}

/** Entries of a list whose `field` an earlier entry has already; undefined is never equal. */
function repeated(
  values: readonly (string | undefined)[],
  path: Path,
  field: string,
): readonly Fault[] {
  return values.flatMap((value, index): readonly Fault[] => {
    if (value === undefined || values.indexOf(value) === index) return [];
    const message = `${value} stands in this list already`;
    return [{ code: 'LN0109', path: [...path, index, field], message, value }];
  });
}

function checkTrafficPolicy(policy: TrafficPolicy): readonly Fault[] {
  const { breaker, retry } = policy.spec;
  // What is not given is the default, and a proxy refuses what contradicts that too.
  const { openMs, openMaxMs } = defaults.breaker;
  const [open, openMax] = [breaker?.open ?? `${openMs}ms`, breaker?.openMax ?? `${openMaxMs}ms`];
  return [
    ...ordered(['spec', 'breaker', 'open'], open, openMax),
    ...ordered(['spec', 'retry', 'backoff'], retry?.backoff, retry?.backoffMax),
  ];
}

function ordered(path: Path, low: string | undefined, high: string | undefined): readonly Fault[] {
  const lowMs = optionalMs(low);
  const highMs = optionalMs(high);
  if (lowMs === undefined || highMs === undefined || lowMs <= highMs) return [];
  const message = `${low} exceeds ${String(path.at(-1))}Max, ${high}`;
  return [{ code: 'LN0111', path, message, value: low }];
}
