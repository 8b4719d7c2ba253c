/** The control plane's own metrics, read from what it holds when somebody scrapes. */
import type {
  EventLog,
  MeshState,
  Observatory,
  ProxyBook,
  SessionDesk,
  Traffic,
} from '@leno/controlplane';
import type { MetricStore } from '@leno/telemetry';

/** What the figures are read from. */
export interface MetricSources {
  readonly state: MeshState;
  readonly observatory: Observatory;
  readonly traffic: Traffic;
  readonly events: EventLog;
  readonly book: ProxyBook;
  readonly desk: SessionDesk;
  readonly authority: { readonly issuedCount: number };
  readonly stream: { readonly viewerCount: number; readonly skippedCount: number };
  readonly pushStats: () => Readonly<Record<string, number>>;
}

type Values = Readonly<Record<string, number>>;

/** Adds the families to the store; their gauges are brought up to date at each collection. */
export function fillMetrics(store: MetricStore, sources: MetricSources): void {
  const { observatory, traffic, stream, authority } = sources;
  labelled(store, ['leno_cp_proxies', 'Proxies by how they stand to the head.', 'state'], () => {
    const { synced, pending, rejected, offline } = observatory.status().proxies;
    return { synced, pending, rejected, offline };
  });
  labelled(store, ['leno_cp_instances', 'Registered instances.', 'state'], () => ({
    ...observatory.status().instances,
  }));
  labelled(
    store,
    ['leno_cp_bound_hits', 'How often each bound was met since the start.', 'bound'],
    () => boundHits(sources),
  );
  labelled(
    store,
    ['leno_cp_push_events', 'Counts of the push server since the start.', 'event'],
    sources.pushStats,
  );
  single(store, ['leno_cp_config_version', 'Version of the head.'], () => {
    return observatory.status().head.version;
  });
  single(
    store,
    ['leno_cp_config_convergence_seconds', 'From the newest commit to the last ack of it.'],
    () => (observatory.status().convergence?.lastMs ?? 0) / 1_000,
  );
  single(store, ['leno_cp_traffic_series', 'Series of reported traffic.'], () => {
    return traffic.seriesCount;
  });
  single(store, ['leno_cp_ca_issued', 'Certificates issued since the start.'], () => {
    return authority.issuedCount;
  });
  single(store, ['leno_cp_stream_viewers', 'Viewers of the live stream.'], () => {
    return stream.viewerCount;
  });
}

function boundHits(sources: MetricSources): Values {
  return {
    traffic_series: sources.traffic.overflowCount,
    events: sources.events.evictedCount,
    offline_proxies: sources.book.forgottenCount,
    instances: sources.state.registry.refusedCount,
    malformed_stats: sources.desk.malformedStatCount,
    stream_frames: sources.stream.skippedCount,
  };
}

function labelled(
  store: MetricStore,
  [name, help, label]: readonly [string, string, string],
  read: () => Values,
): void {
  const gauge = store.gauge({ kind: 'gauge', name, help, labelNames: [label] });
  store.onCollect(() => {
    for (const [value, figure] of Object.entries(read())) gauge.set(gauge.handle(value), figure);
  });
}

function single(
  store: MetricStore,
  [name, help]: readonly [string, string],
  read: () => number,
): void {
  const gauge = store.gauge({ kind: 'gauge', name, help, labelNames: [] });
  const handle = gauge.handle();
  store.onCollect(() => gauge.set(handle, read()));
}
