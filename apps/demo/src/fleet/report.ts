/**
 * What a run comes to. Pure: counts go in, verdicts come out. Every figure of an edge is counted by
 * two parties that share no code: the caller's app and the called app; where the edge is in the mesh,
 * also by the sidecar of the called one, from its sockets.
 */
import type { Sample } from '@leno/telemetry';
import type { CountsSnapshot } from '../app/counts.ts';
import type { LoadCounts } from '../load/load-generator.ts';
import type { MeshStatus } from './control-plane.ts';
import { type Edge, edges, instances, legacy, serviceCount, visitor } from './plan.ts';

/** How far two counts of the same thing may be apart. */
const countToleranceRatio = 0.01;
const successRatioMin = 0.999;

/** All that was gathered after the load had ended and everything had come to rest. */
export interface Findings {
  readonly durationS: number;
  readonly load: LoadCounts;
  /** Of every app, the importer included. */
  readonly apps: readonly CountsSnapshot[];
  /** Of every sidecar, with the role of its app. */
  readonly sidecars: readonly { readonly role: string; readonly samples: readonly Sample[] }[];
  readonly status: MeshStatus;
  readonly proxyRssMiB: readonly number[];
}

/** One edge as its two ends saw it. */
export interface EdgeReport extends Edge {
  /** By the source's own count. */
  readonly called: number;
  /** Without a reply or with 5xx, by the source's own count. */
  readonly failures: number;
  /** By the target's own count. */
  readonly received: number;
  /** The same by version of the target. */
  readonly byVersion: Readonly<Record<string, number>>;
  /** By the target's sidecar: how many came over mTLS from the identity of the source. */
  readonly overMtls: number;
}

/** The report, as the contract has it, and details. */
export interface DemoReport {
  readonly durationS: number;
  readonly services: number;
  readonly proxies: number;
  /** Requests of visitors to the shop. What they caused inside is under `details`. */
  readonly requests: number;
  readonly failures: number;
  readonly successRate: number;
  readonly mtlsRatio: number;
  readonly configVersion: number;
  readonly converged: boolean;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly proxyRssMiB: readonly number[];
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly details: {
    readonly hopRequests: number;
    readonly hopFailures: number;
    readonly edges: readonly EdgeReport[];
    readonly load: LoadCounts;
    readonly retries: number;
  };
}

/** Adds up, compares and judges. */
export function makeReport(findings: Findings): DemoReport {
  const { load, status } = findings;
  const reports = edges.map((edge) => reportEdge(edge, findings));
  const hops = reports.filter((it) => it.kind === 'mesh');
  const sum = (pick: (it: EdgeReport) => number) => hops.reduce((all, it) => all + pick(it), 0);
  const figures = {
    durationS: findings.durationS,
    services: serviceCount,
    proxies: status.proxies.connected,
    requests: load.requests,
    failures: load.failures,
    successRate: load.requests === 0 ? 0 : 1 - load.failures / load.requests,
    mtlsRatio: mtlsRatio(findings, reports),
    configVersion: status.head.version,
    converged: status.converged,
    p50Ms: round(load.p50Ms),
    p99Ms: round(load.p99Ms),
    proxyRssMiB: findings.proxyRssMiB.map(round),
  };
  const details = {
    hopRequests: sum((it) => it.called),
    hopFailures: sum((it) => it.failures),
    edges: reports,
    load,
    retries: sumSamples(findings, (_, it) =>
      isMetric(it, 'leno_retries_total', { result: 'sent' }),
    ),
  };
  const problems = [...problemsOf(figures), ...reports.flatMap(problemsOfEdge)];
  return { ...figures, healthy: problems.length === 0, problems, details };
}

type Figures = Omit<DemoReport, 'healthy' | 'problems' | 'details'>;

function problemsOf(figures: Figures): string[] {
  const problems: string[] = [];
  if (figures.proxies !== instances.length) {
    problems.push(`${figures.proxies} of ${instances.length} proxies connected`);
  }
  if (figures.successRate < successRatioMin) {
    problems.push(`${figures.failures} of ${figures.requests} requests of visitors failed`);
  }
  if (figures.mtlsRatio !== 1) {
    problems.push(`only ${(figures.mtlsRatio * 100).toFixed(2)} % of mesh requests came over mTLS`);
  }
  if (!figures.converged) problems.push('not every proxy has the configuration in force');
  return problems;
}

function problemsOfEdge(edge: EdgeReport): string[] {
  const name = `${edge.source} → ${edge.target}`;
  const problems: string[] = [];
  if (edge.called === 0) return [`${name}: not used`];
  if (!isClose(edge.called, edge.received)) {
    problems.push(`${name}: ${edge.called} called, but ${edge.received} received`);
  }
  if (edge.kind === 'mesh' && !isClose(edge.called, edge.overMtls)) {
    problems.push(`${name}: ${edge.called} called, but ${edge.overMtls} seen over mTLS`);
  }
  if (edge.failures / edge.called > 1 - successRatioMin) {
    problems.push(`${name}: ${edge.failures} of ${edge.called} failed`);
  }
  return problems;
}

function isClose(expected: number, actual: number): boolean {
  return Math.abs(expected - actual) <= expected * countToleranceRatio;
}

function reportEdge(edge: Edge, findings: Findings): EdgeReport {
  const { load, apps } = findings;
  const calls = apps.flatMap((it) => (it.role === edge.source ? [it.calls[edge.target]] : []));
  const byVersion: Record<string, number> = {};
  for (const app of apps) {
    if (app.role === edge.target) byVersion[app.version] = app.byCaller[edge.source] ?? 0;
  }
  const ofVisitors = { total: load.requests - load.shed, failures: load.failures - load.shed };
  const counted = edge.source === visitor ? [ofVisitors] : calls;
  return {
    ...edge,
    called: counted.reduce((sum, it) => sum + (it?.total ?? 0), 0),
    failures: counted.reduce((sum, it) => sum + (it?.failures ?? 0), 0),
    received: Object.values(byVersion).reduce((sum, it) => sum + it, 0),
    byVersion,
    overMtls: sumSamples(
      findings,
      (role, it) =>
        role === edge.target &&
        isMetric(it, 'leno_requests_total', { dir: 'inbound', tls: 'mtls' }) &&
        isPeer(it, edge.source),
    ),
  };
}

/**
 * Share of what the sidecars let in that came over mTLS, the importer's requests aside: as many
 * plaintext requests to its target as the importer itself counts, and not one more.
 */
function mtlsRatio(findings: Findings, reports: readonly EdgeReport[]): number {
  const inbound = (tls: string) =>
    sumSamples(findings, (_, it) => isMetric(it, 'leno_requests_total', { dir: 'inbound', tls }));
  const importer = reports.find((it) => it.source === legacy.role)?.called ?? 0;
  const plain = Math.max(0, inbound('none') + inbound('tls') - importer);
  const mtls = inbound('mtls');
  return mtls === 0 ? 0 : mtls / (mtls + plain);
}

function sumSamples(
  findings: Findings,
  isWanted: (role: string, sample: Sample) => boolean,
): number {
  let sum = 0;
  for (const { role, samples } of findings.sidecars) {
    for (const sample of samples) if (isWanted(role, sample)) sum += sample.value;
  }
  return sum;
}

function isMetric(sample: Sample, name: string, labels: Readonly<Record<string, string>>): boolean {
  return (
    sample.name === name &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  );
}

/** The label is the authenticated caller as `namespace/service`. */
function isPeer(sample: Sample, role: string): boolean {
  return sample.labels['peer'] === `default/${role}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
