/** Whether the requests that upstreams saw are those that a case lists. */
import { octetsOf } from './bytes-format.ts';
import { fieldsDiffer, valuesOf } from './fields.ts';
import type { WholeRequest } from './request-reader.ts';
import type { Seen } from './seen-format.ts';

/** A request as it was recorded. */
export interface Recorded extends WholeRequest {
  readonly upstream: 'svc' | 'other';
}

/** What the requests are compared by, beside what the case says. */
export interface SeenContext {
  readonly client: string;
  /** Names of the fields that the proxy adds by itself. */
  readonly proxyFields: readonly string[];
}

/** The first thing that differs. */
export function seenDiffer(
  recorded: readonly Recorded[],
  forwarded: readonly Seen[],
  context: SeenContext,
): string | undefined {
  for (const [at, seen] of forwarded.entries()) {
    const is = recorded[at];
    if (is === undefined) break;
    const problem = requestDiffers(is, seen, context);
    if (problem !== undefined) return `request ${at + 1} upstream: ${problem}`;
  }
  if (recorded.length === forwarded.length) return undefined;
  const lines = recorded.map(({ method, target }) => `${method} ${target}`).join(', ');
  return `${recorded.length} requests upstream (${lines}), not ${forwarded.length}`;
}

function requestDiffers(is: Recorded, seen: Seen, context: SeenContext): string | undefined {
  const { upstream = 'svc' } = seen;
  if (is.upstream !== upstream) return `at ${is.upstream}, not ${upstream}`;
  if (is.method !== seen.method) return `method ${is.method}, not ${seen.method}`;
  const targets = seen.targetOneOf ?? [seen.target];
  if (!targets.includes(is.target)) return `target ${is.target}, not ${targets.join(' or ')}`;
  if (seen.authority !== undefined) {
    const [host] = valuesOf(is.fields, 'host');
    if (host !== seen.authority) return `host ${host}, not ${seen.authority}`;
  }
  const body = bodyDiffers(is, seen);
  if (body !== undefined) return body;
  const fields = fieldsDiffer(is, seen, context.client);
  if (fields !== undefined || seen.keepsProxyHeaders !== true) return fields;
  const lost = context.proxyFields.find((name) => valuesOf(is.fields, name).length === 0);
  return lost === undefined ? undefined : `header ${lost} of the proxy itself is missing`;
}

function bodyDiffers({ body }: Recorded, seen: Seen): string | undefined {
  if (seen.bodyLength !== undefined && body.length !== seen.bodyLength) {
    return `body of ${body.length} octets, not ${seen.bodyLength}`;
  }
  if (seen.bodyLength !== undefined && seen.body === undefined) return undefined;
  const bodies = seen.bodyOneOf ?? [seen.body ?? ''];
  if (bodies.some((it) => octetsOf(it).equals(body))) return undefined;
  return `body ${JSON.stringify(body.toString('latin1').slice(0, 100))}`;
}
