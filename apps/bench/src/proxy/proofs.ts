/**
 * That every part of the mesh was at work while it was measured: each by a counter of its own, read
 * from the proxies after the loads. A part that has counted nothing makes the figures worthless.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { LenoError } from '@leno/std';
import { parsePrometheus } from '@leno/telemetry';
import type { ReportRow } from '../harness/report.ts';
import type { Bed } from './bed.ts';
import type { SubjectName } from './cases.ts';
import type { Mesh, Sidecar } from './mesh.ts';

/** A part of the mesh and what it has counted. */
export interface Proof {
  readonly part: string;
  readonly count: number;
}

/** Something that should have been on was not: nothing was measured. */
export class NotOnError extends LenoError {
  readonly code = 'LENO_BENCH_NOT_ON';
  readonly fault = 'mesh';
}

const probeCount = 64;

/** Asks the proxies of the HTTP cases that ran. Throws `NotOnError` for a part that has counted nothing. */
export async function proofsOf(
  bed: Bed,
  { hop, near, far }: Mesh,
  ran: (name: SubjectName) => boolean,
): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  const asks = [
    ['leno hop', 'plain', [hop]],
    ['leno pair', 'web', [near, far]],
  ] as const;
  for (const [subject, authority, all] of asks) {
    if (!ran(subject)) continue;
    const [entry] = all;
    const traced = await probe(entry, authority);
    proofs.push({ part: `${entry.name}: trace context`, count: traced });
    for (const sidecar of all) proofs.push(...(await proofsOfOne(bed, sidecar)));
  }
  requireAll(proofs);
  return proofs;
}

/** Throws `NotOnError` that names every part that has counted nothing. */
export function requireAll(proofs: readonly Proof[]): void {
  const silent = proofs.filter(({ count }) => !(count > 0)).map(({ part }) => part);
  if (silent.length === 0) return;
  throw new NotOnError(`not at work, so that nothing was measured: ${silent.join('; ')}`);
}

/** The proofs as rows of the report. */
export function proofRows(proofs: readonly Proof[]): readonly ReportRow[] {
  return proofs.map(({ part, count }) => ({
    subject: part,
    case: 'what was on',
    metric: 'count',
    unit: '',
    value: count,
    baseline: null,
    ratio: null,
  }));
}

async function proofsOfOne(bed: Bed, sidecar: Sidecar): Promise<readonly Proof[]> {
  const { name } = sidecar;
  const parsed = parsePrometheus(await adminText(sidecar, '/metrics'));
  const samples = parsed.ok ? parsed.value : [];
  const sum = (metric: string, labels: Readonly<Record<string, string>> = {}): number =>
    samples
      .filter((it) => it.name === metric)
      .filter((it) => Object.entries(labels).every(([key, value]) => it.labels[key] === value))
      .reduce((total, it) => total + it.value, 0);
  const clusters = JSON.parse(await adminText(sidecar, '/clusters')) as readonly ClusterDump[];
  const breakers = clusters.flatMap((it) => it.endpoints.flatMap(({ breaker }) => breaker.rates));
  const allowed = sum('leno_authz_total', { decision: 'allow' });
  const inbound = name === 'web' ? [{ part: 'authorization', count: allowed }] : [];
  return [
    { part: 'metrics', count: sum('leno_request_duration_seconds_count') },
    { part: 'balancer', count: sum('leno_upstream_attempts_total', { result: 'success' }) },
    {
      part: 'breaker',
      count: breakers.reduce((total, it) => total + it.successCount + it.failureCount, 0),
    },
    { part: 'decision records', count: await recordCount(sidecar) },
    { part: 'access log', count: logLineCount(bed, name) },
    ...inbound,
  ].map(({ part, count }) => ({ part: `${name}: ${part}`, count }));
}

interface RateDump {
  readonly successCount: number;
  readonly failureCount: number;
}

interface ClusterDump {
  readonly endpoints: readonly {
    readonly breaker: { readonly rates: readonly RateDump[] };
  }[];
}

/** Sends requests with ids that are known; gives how many arrived with a trace context. */
async function probe(entry: Sidecar, authority: string): Promise<number> {
  let tracedCount = 0;
  for (let index = 0; index < probeCount; index += 1) {
    const headers = { host: authority, 'x-request-id': probeId(index) };
    const saw = await headerOf(`http://${entry.outbound}/trace`, headers, 'x-saw-traceparent');
    if (saw !== '') tracedCount += 1;
  }
  return tracedCount;
}

function probeId(index: number): string {
  return `bench-probe-${index}`;
}

/** How many of the probes left a record. */
async function recordCount(sidecar: Sidecar): Promise<number> {
  const pages = Array.from({ length: probeCount }, (_, index) => `/why/${probeId(index)}`);
  const found = await Promise.all(pages.map((page) => fetch(`http://${sidecar.admin}${page}`)));
  const statuses = await Promise.all(
    found.map(async (reply) => {
      await reply.arrayBuffer();
      return reply.status;
    }),
  );
  return statuses.filter((status) => status === 200).length;
}

function logLineCount(bed: Bed, name: string): number {
  return readFileSync(bed.logOf(name), 'utf8').split('"leno.sample_rate"').length - 1;
}

async function adminText(sidecar: Sidecar, page: string): Promise<string> {
  return (await fetch(`http://${sidecar.admin}${page}`)).text();
}

/** By `node:http`, since `fetch` sends no other `Host`. */
function headerOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  name: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers }, (reply) => {
      reply.resume();
      reply.on('end', () => resolve(String(reply.headers[name] ?? '')));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
