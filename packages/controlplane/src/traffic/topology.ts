/** The picture of the mesh: services with their instances, and the edges between them. */
import { grouped } from '../grouped.ts';
import { type Instance, serviceKey, versionOf } from '../registry/instance.ts';
import type { InstanceEntry, InstanceState } from '../registry/registry.ts';
import { type SeriesReport, sumOf, unknownPeer } from './traffic.ts';
import type { TrafficSum } from './traffic-series.ts';

/** Rates and shares of some requests; null where there were none to say it of. */
export interface TrafficFigures {
  readonly requestCount: number;
  readonly failureCount: number;
  readonly rps: number;
  readonly successRatio: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

/** One running instance. */
export interface InstanceView {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly health: Instance['health'];
  readonly state: InstanceState;
}

/** One version of a service and what reached it. */
export interface VersionView {
  readonly version: string;
  readonly instances: readonly InstanceView[];
  readonly requestCount: number;
  readonly rps: number;
}

/** One service of the picture. */
export interface ServiceView extends TrafficFigures {
  /** `namespace/name`. */
  readonly service: string;
  /** Nobody wrote a Service object for it: it exists by its instances. */
  readonly implicit: boolean;
  /** Whether any instance with a sidecar is registered. */
  readonly meshed: boolean;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
  readonly versions: readonly VersionView[];
}

/** Who calls whom. */
export interface EdgeView extends TrafficFigures {
  readonly source: string;
  readonly target: string;
  readonly mtlsRatio: number | null;
  readonly retries: number;
  readonly reportedBy: 'source' | 'target';
  readonly versions: readonly { readonly version: string; readonly requestCount: number }[];
  /** Since the control plane started; the inbound ones are the called side's own counts. */
  readonly totals: {
    readonly requestCount: number;
    readonly failureCount: number;
    readonly mtlsCount: number;
    readonly retries: number;
    readonly inboundRequestCount: number;
    readonly inboundMtlsCount: number;
  };
}

/** The picture over one window. */
export interface Topology {
  readonly nowMs: number;
  readonly windowS: number;
  readonly services: readonly ServiceView[];
  readonly edges: readonly EdgeView[];
}

/** What is known of a service beside its traffic. */
export interface KnownService {
  readonly service: string;
  readonly implicit: boolean;
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

/** What the picture is drawn from. */
export interface TopologyInput {
  readonly nowMs: number;
  readonly windowS: number;
  readonly services: readonly KnownService[];
  readonly instances: readonly InstanceEntry[];
  readonly reports: readonly SeriesReport[];
}

/** Draws the picture; services and edges in the order of their names. */
export function drawTopology(input: TopologyInput): Topology {
  const { nowMs, windowS, reports } = input;
  return { nowMs, windowS, services: services(input), edges: edges(reports, windowS) };
}

/** Rates and shares of a sum over `windowS` seconds. */
export function figuresOf(sum: Readonly<TrafficSum>, windowS: number): TrafficFigures {
  const requestCount = sum.ok + sum.failed;
  const some = requestCount > 0;
  return {
    requestCount,
    failureCount: sum.failed,
    rps: rounded(requestCount / windowS, 2),
    successRatio: some ? sum.ok / requestCount : null,
    p50Ms: some ? rounded(sum.p50Ms, 3) : null,
    p99Ms: some ? rounded(sum.p99Ms, 3) : null,
  };
}

/** The share of requests that went over mTLS, null if there was none. */
export function mtlsRatioOf(sum: Readonly<TrafficSum>): number | null {
  const requestCount = sum.ok + sum.failed;
  return requestCount === 0 ? null : sum.mtls / requestCount;
}

function services(input: TopologyInput): ServiceView[] {
  const known = new Map(input.services.map((it) => [it.service, it]));
  const names = new Set(known.keys());
  for (const { instance } of input.instances) names.add(serviceKey(instance));
  for (const { source, target } of input.reports) names.add(source).add(target);
  return [...names].toSorted().map((service) => {
    const instances = input.instances.filter((it) => serviceKey(it.instance) === service);
    const reports = input.reports.filter((it) => it.target === service && it.side === 'target');
    return {
      service,
      implicit: known.get(service)?.implicit ?? true,
      meshed: instances.some((it) => it.instance.transport === 'mtls'),
      ports: known.get(service)?.ports ?? [],
      versions: versions(instances, reports, input.windowS),
      ...figuresOf(sumOf(reports.map((it) => it.window)), input.windowS),
    };
  });
}

function versions(
  instances: readonly InstanceEntry[],
  reports: readonly SeriesReport[],
  windowS: number,
): VersionView[] {
  const names = new Set(instances.map((it) => versionOf(it.instance)));
  for (const { version } of reports) names.add(version);
  return [...names].toSorted().map((version) => {
    const sum = sumOf(reports.filter((it) => it.version === version).map((it) => it.window));
    const { requestCount, rps } = figuresOf(sum, windowS);
    const own = instances.filter((it) => versionOf(it.instance) === version);
    return { version, instances: own.map(instanceView), requestCount, rps };
  });
}

function instanceView({ instance, state }: InstanceEntry): InstanceView {
  const { id, address, port, health } = instance;
  return { id, address, port, health, state };
}

function edges(reports: readonly SeriesReport[], windowS: number): EdgeView[] {
  const groups = grouped(reports, (it) => `${it.source}|${it.target}`);
  return [...groups.values()]
    .map((group) => edge(group, windowS))
    .toSorted((left, right) =>
      left.source === right.source
        ? compare(left.target, right.target)
        : compare(left.source, right.source),
    );
}

/** The caller's own count is what its users have seen; the called side's stands in where there is none. */
function edge(group: readonly SeriesReport[], windowS: number): EdgeView {
  const { source = unknownPeer, target = unknownPeer } = group[0] ?? {};
  const outbound = group.filter((it) => it.side === 'source');
  const inbound = group.filter((it) => it.side === 'target');
  const shown = outbound.length > 0 ? outbound : inbound;
  const window = sumOf(shown.map((it) => it.window));
  const total = sumOf(shown.map((it) => it.total));
  const inboundTotal = sumOf(inbound.map((it) => it.total));
  return {
    source,
    target,
    ...figuresOf(window, windowS),
    mtlsRatio: mtlsRatioOf(window),
    retries: window.retries,
    reportedBy: outbound.length > 0 ? 'source' : 'target',
    versions: versionCounts(shown),
    totals: {
      requestCount: total.ok + total.failed,
      failureCount: total.failed,
      mtlsCount: total.mtls,
      retries: total.retries,
      inboundRequestCount: inboundTotal.ok + inboundTotal.failed,
      inboundMtlsCount: inboundTotal.mtls,
    },
  };
}

function versionCounts(reports: readonly SeriesReport[]): EdgeView['versions'] {
  const counts = new Map<string, number>();
  for (const { version, window } of reports) {
    const requestCount = window.ok + window.failed;
    if (requestCount > 0) counts.set(version, (counts.get(version) ?? 0) + requestCount);
  }
  return [...counts]
    .map(([version, requestCount]) => ({ version, requestCount }))
    .toSorted((left, right) => compare(left.version, right.version));
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
