import type { JSX } from 'preact';
import { absent, count, latency, percent, rate, serviceName } from '../format.ts';
import type { Edge, Topology } from '../live/api.ts';
import { matches } from '../live/state.ts';
import { Lock, Mark, toneOfRatio } from './mark.tsx';
import { Split } from './split.tsx';
import { type Column, Table } from './table.tsx';

const columns: readonly Column<Edge>[] = [
  { title: 'Source', cell: (it) => <Source edge={it} />, by: (it) => serviceName(it.source) },
  {
    title: 'Destination',
    cell: (it) => <b>{serviceName(it.target)}</b>,
    by: (it) => serviceName(it.target),
  },
  {
    title: 'mTLS',
    hint: 'Mutual TLS between the sidecars, measured at the sockets',
    cell: (it) => <Lock ratio={it.mtlsRatio} />,
    by: (it) => it.mtlsRatio ?? -1,
  },
  {
    title: 'Success',
    isNumber: true,
    hint: 'Requests that did not fail, as the caller sees them: after retries',
    cell: (it) => <Mark tone={toneOfRatio(it.successRatio)}>{percent(it.successRatio)}</Mark>,
    by: (it) => it.successRatio ?? 2,
  },
  { title: 'RPS', isNumber: true, cell: (it) => rate(it.rps), by: (it) => it.rps },
  { title: 'p50', isNumber: true, cell: (it) => latency(it.p50Ms), by: (it) => it.p50Ms ?? -1 },
  { title: 'p99', isNumber: true, cell: (it) => latency(it.p99Ms), by: (it) => it.p99Ms ?? -1 },
  {
    title: 'Retries',
    isNumber: true,
    cell: (it) => (it.retries === 0 ? absent : count(it.retries)),
    by: (it) => it.retries,
  },
  {
    title: 'Versions',
    hint: 'Where the requests went',
    cell: (it) => <Split parts={it.versions} />,
  },
];

/** Who calls whom, and how it goes: one row an edge. */
export function TopologyTable({ topology }: { readonly topology: Topology }): JSX.Element {
  const edges = topology.edges.filter((it) => matches(it.source, it.target, lockWord(it)));
  const open = topology.edges.filter((it) => it.mtlsRatio !== null && it.mtlsRatio < 1).length;
  const locks = open === 0 ? 'all with mutual TLS' : `${open} without full mutual TLS`;
  return (
    <Table
      id="topology"
      title="Topology"
      note={`${topology.edges.length} edges, ${locks} · last ${topology.windowS} s`}
      columns={columns}
      rows={edges}
      keyOf={(it) => `${it.source}>${it.target}`}
      empty={
        topology.edges.length === 0
          ? 'No request yet. An edge appears when a service calls another through its sidecar.'
          : 'No edge matches the filter.'
      }
    />
  );
}

function Source({ edge }: { readonly edge: Edge }): JSX.Element {
  if (edge.source !== 'unknown') return <>{serviceName(edge.source)}</>;
  return (
    <span class="dim" title="The caller showed no certificate: it has no sidecar">
      no identity
    </span>
  );
}

function lockWord(edge: Edge): string {
  if (edge.mtlsRatio === null) return 'idle';
  return edge.mtlsRatio >= 1 ? 'mtls' : 'plain';
}
