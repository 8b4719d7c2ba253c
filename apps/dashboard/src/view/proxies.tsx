import type { JSX } from 'preact';
import { absent, rate, serviceName, shortDigest, span } from '../format.ts';
import type { Proxy } from '../live/api.ts';
import { matches } from '../live/state.ts';
import { Mark } from './mark.tsx';
import { type Column, Table } from './table.tsx';

/** Share of a certificate's life that must be left: a renewal in time leaves at least 28 %. */
const certLeftRatioMin = 0.25;
const order = { rejected: 0, offline: 1, pending: 2, synced: 3 };

interface ProxiesProps {
  readonly proxies: readonly Proxy[];
  /** The clock of the control plane, by which all stamps are. */
  readonly nowMs: number;
  /** How long a certificate lives here. */
  readonly certLifeMs: number;
}

/** The sidecars: what config each runs, since when, and with what certificate. Trouble stands first. */
export function ProxiesTable({ proxies, nowMs, certLifeMs }: ProxiesProps): JSX.Element {
  const shown = proxies
    .filter((it) => matches(it.id, it.service, it.version ?? '', it.sync.kind))
    .sort((a, b) => order[a.sync.kind] - order[b.sync.kind] || a.id.localeCompare(b.id, 'en'));
  return (
    <Table
      id="proxies"
      title="Proxies"
      note={`${proxies.length} known`}
      columns={columnsAt(nowMs, certLifeMs * certLeftRatioMin)}
      rows={shown}
      keyOf={(it) => it.id}
      detail={rejection}
      empty={
        proxies.length === 0
          ? 'No proxy has joined. Start one beside an app: leno run --service NAME --port N -- CMD'
          : 'No proxy matches the filter.'
      }
    />
  );
}

function columnsAt(nowMs: number, certWarnMs: number): readonly Column<Proxy>[] {
  return [
    { title: 'Proxy', cell: (it) => <b>{it.id}</b>, by: (it) => it.id },
    { title: 'Service', cell: (it) => serviceName(it.service), by: (it) => it.service },
    { title: 'Version', cell: (it) => it.version ?? absent, by: (it) => it.version ?? '' },
    {
      title: 'Config',
      cell: (it) => <Config proxy={it} />,
      by: (it) => it.config?.version ?? -1,
    },
    { title: 'Sync', cell: (it) => <SyncState proxy={it} />, by: (it) => order[it.sync.kind] },
    {
      title: 'Certificate',
      hint: 'Time until the certificate expires; it is renewed long before',
      cell: (it) => (
        <Certificate notAfterMs={it.certNotAfterMs} nowMs={nowMs} warnMs={certWarnMs} />
      ),
      by: (it) => it.certNotAfterMs ?? 0,
      isNumber: true,
    },
    { title: 'RPS', isNumber: true, cell: (it) => rate(it.rps), by: (it) => it.rps ?? -1 },
    {
      title: 'RSS',
      isNumber: true,
      cell: (it) => (it.proxy === null ? absent : `${Math.round(it.proxy.rssMiB)} MiB`),
      by: (it) => it.proxy?.rssMiB ?? -1,
    },
    {
      title: 'Connected',
      isNumber: true,
      cell: (it) => connected(it, nowMs),
      by: (it) => it.connectedSinceMs ?? Infinity,
    },
  ];
}

function Config({ proxy }: { readonly proxy: Proxy }): JSX.Element {
  const { config } = proxy;
  if (config === null) return <span class="dim">none yet</span>;
  return (
    <span title={config.digest}>
      v{config.version} <code>{shortDigest(config.digest)}</code>
    </span>
  );
}

function SyncState({ proxy: { sync } }: { readonly proxy: Proxy }): JSX.Element {
  const age = <span class="dim">{span(sync.ageMs)}</span>;
  switch (sync.kind) {
    case 'synced':
      return <Mark tone="good">SYNCED {age}</Mark>;
    case 'pending':
      return <Mark tone="warn">PENDING {age}</Mark>;
    case 'rejected':
      return (
        <Mark tone="bad">
          REJECTED v{sync.version} {age}
        </Mark>
      );
    case 'offline':
      return <Mark tone="bad">OFFLINE {age}</Mark>;
  }
}

function rejection({ sync }: Proxy): JSX.Element | undefined {
  if (sync.kind !== 'rejected') return undefined;
  return (
    <ul class="faults">
      {sync.errors.map((it) => (
        <li key={`${it.type}/${it.name}/${it.path}`}>
          <code>
            {it.type}/{it.name} {it.path}
          </code>{' '}
          {it.msg}
        </li>
      ))}
    </ul>
  );
}

interface CertificateProps {
  readonly notAfterMs: number | null;
  readonly nowMs: number;
  readonly warnMs: number;
}

function Certificate({ notAfterMs, nowMs, warnMs }: CertificateProps): JSX.Element {
  if (notAfterMs === null) return <>{absent}</>;
  const leftMs = notAfterMs - nowMs;
  if (leftMs <= 0) return <Mark tone="bad">expired</Mark>;
  return leftMs < warnMs ? <Mark tone="warn">{span(leftMs)}</Mark> : <>{span(leftMs)}</>;
}

function connected(proxy: Proxy, nowMs: number): string {
  if (proxy.connectedSinceMs !== null) return span(nowMs - proxy.connectedSinceMs);
  return `seen ${span(nowMs - proxy.lastSeenMs)} ago`;
}
