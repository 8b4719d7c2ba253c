/**
 * Routes compiled to decisions. The order is that of the Gateway API: most specific host, exact
 * path, longest prefix by whole segments, method, number of headers, number of query parameters,
 * then the oldest route, `namespace/name`, the first rule. A route binds to the service and port
 * that were dialled. Compiled once per revision; a match allocates nothing of its own.
 */
import { assert } from '@leno/std';
import { HostIndex } from './host-index.ts';
import type { RouteMatchResult, RouteQuestion } from './question.ts';
import type { RouteInput } from './route.ts';

interface ServiceRoutes {
  /** For each port that some route names. */
  readonly byPort: ReadonlyMap<number, HostIndex>;
  /** For every other port; undefined if each route names one. */
  readonly otherPorts: HostIndex | undefined;
}

/** The routes of one config revision. Immutable. */
export class RouteTable {
  readonly #services: ReadonlyMap<string, ServiceRoutes>;

  constructor(routes: readonly RouteInput[]) {
    this.#services = new Map(
      [...groupByService(routes)].map(([service, own]) => [service, portsOf(service, own)]),
    );
  }

  /**
   * Whether any route is bound to this port. Where none is, requests go to the service as they come;
   * where one is and nothing matches, the answer is 404.
   */
  binds(service: string, port: number): boolean {
    return this.#indexOf(service, port) !== undefined;
  }

  /** The rule that decides the request, or undefined if none fits or none is bound. */
  match(question: RouteQuestion): RouteMatchResult | undefined {
    return this.#indexOf(question.service, question.port)?.find(question)?.result;
  }

  #indexOf(service: string, port: number): HostIndex | undefined {
    const routes = this.#services.get(service);
    return routes?.byPort.get(port) ?? routes?.otherPorts;
  }
}

/**
 * Compiles routes to a table. Regular expressions are refused where configuration is read, for want
 * of an engine with linear time; one that comes through nevertheless is a bug and asserted
 * against, since to leave it out would send its requests to some other rule.
 */
export function compileRoutes(routes: readonly RouteInput[]): RouteTable {
  for (const route of routes) assertServed(route);
  return new RouteTable(routes);
}

function groupByService(routes: readonly RouteInput[]): ReadonlyMap<string, readonly RouteInput[]> {
  const groups = new Map<string, RouteInput[]>();
  for (const route of routes) {
    for (const service of new Set(route.parents.map((parent) => parent.service))) {
      groups.set(service, [...(groups.get(service) ?? []), route]);
    }
  }
  return groups;
}

function portsOf(service: string, routes: readonly RouteInput[]): ServiceRoutes {
  const boundTo = (route: RouteInput, port: number | undefined) =>
    route.parents.some(
      (parent) => parent.service === service && (parent.port === undefined || parent.port === port),
    );
  const parents = routes.flatMap((route) => route.parents).filter((it) => it.service === service);
  const ports = new Set(parents.map(({ port }) => port).filter((port) => port !== undefined));
  const byPort = new Map(
    [...ports].map((port) => [port, new HostIndex(routes.filter((it) => boundTo(it, port)))]),
  );
  const general = routes.filter((route) => boundTo(route, undefined));
  return { byPort, otherPorts: general.length === 0 ? undefined : new HostIndex(general) };
}

function assertServed(route: RouteInput): void {
  for (const { path, headers, query } of route.rules.flatMap((rule) => rule.matches)) {
    const kinds = [path?.kind, ...[...headers, ...query].map((condition) => condition.kind)];
    assert(!kinds.includes('regex'), `${route.namespace}/${route.name} has no regular expression`);
  }
}
