/** What a sidecar holds: when it has nothing to do, under full load, and of a connection that idles. */
import { connect, type Socket } from 'node:net';
import type { ReportRow } from '../harness/report.ts';
import { memoryCase, type SubjectName } from './cases.ts';
import type { Ledger } from './cpu-rounds.ts';
import type { Lineup } from './lineup.ts';
import { type LoadTarget, runLoad } from './load.ts';
import { usageOf } from './process-stat.ts';

const connectionCount = 2_000;
const settleMs = 2_000;
const mebibyte = 1_048_576;

/** Measures on processes of its own; `peaks` is what the CPU cases have seen. */
export async function measureMemory(
  lineup: Lineup,
  peaks: Ledger['peakBytes'],
): Promise<readonly ReportRow[]> {
  const mesh = await lineup.mesh();
  const idle = await mesh.add('idle', {});
  const target = { address: idle.outbound, authority: 'plain' };
  const own = await memoryOf(lineup, { target, groups: [idle.running.pid] });
  const haproxy = await lineup.subject('haproxy');
  const other = haproxy === undefined ? undefined : await memoryOf(lineup, haproxy);
  const row = (metric: string, unit: string, value: number, baseline: number | undefined) => ({
    subject: 'leno',
    case: memoryCase,
    metric,
    unit,
    value,
    baseline: baseline ?? null,
    ratio: baseline === undefined || baseline <= 0 ? null : value / baseline,
  });
  const full = (name: SubjectName, count: number): number => (peaks.get(name) ?? 0) / count;
  // Of a pair the average of its two: what a sidecar has.
  const peak = Math.max(full('leno hop', 1), full('leno pair', 2));
  const peakOther = Math.max(full('haproxy', 1), full('haproxy h2', 2));
  const bare = peakOther === 0 ? undefined : peakOther / mebibyte;
  return [
    row('idle', 'MiB', own.idleBytes / mebibyte, other && other.idleBytes / mebibyte),
    ...(peak === 0 ? [] : [row('full load', 'MiB', peak / mebibyte, bare)]),
    row('idle connection', 'KiB', own.perConnection / 1_024, other && other.perConnection / 1_024),
  ];
}

async function memoryOf(
  { bed }: Lineup,
  subject: { readonly target: LoadTarget; readonly groups: readonly number[] },
): Promise<{ idleBytes: number; perConnection: number }> {
  const { target, groups } = subject;
  await settled();
  const idleBytes = usageOf(groups).residentBytes;
  const tools = { programs: bed.programs, core: bed.loadCore, directory: bed.directory };
  // So that the heap has the size that work gives it before connections are counted.
  const what = { kind: 'get', path: '/1k' } as const;
  await runLoad(tools, target, { what, connectionCount: 64, durationS: 2 });
  await settled();
  const before = usageOf(groups).residentBytes;
  const sockets: Socket[] = [];
  try {
    // A few at a time: a burst would measure buffers of requests under way.
    while (sockets.length < connectionCount) {
      const some = Array.from({ length: 20 }, () => usedConnection(target));
      sockets.push(...(await Promise.all(some)));
    }
    await settled();
    return { idleBytes, perConnection: (usageOf(groups).residentBytes - before) / sockets.length };
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A connection that has had one request and its reply. */
function usedConnection(target: LoadTarget): Promise<Socket> {
  const [host = '', port = ''] = target.address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let bytes = 0;
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes > 1_024) resolve(socket);
    });
    socket.write(`GET /1k HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`);
  });
}

function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}
