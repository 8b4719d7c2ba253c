import type { JSX } from 'preact';
import { absent, count, latency, percent, rate, serviceName } from '../format.ts';
import type { Instance, Service } from '../live/api.ts';
import { matches } from '../live/state.ts';
import { Mark, toneOfRatio } from './mark.tsx';
import { Split } from './split.tsx';
import { type Column, Table } from './table.tsx';

/** Stands for all callers without a certificate. */
const unknown = 'unknown';

const columns: readonly Column<Service>[] = [
  { title: 'Service', cell: (it) => <Name service={it} />, by: (it) => it.service },
  {
    title: 'Sidecar',
    cell: (it) => <Sidecar service={it} />,
    by: (it) => (it.meshed ? 1 : 0),
  },
  {
    title: 'Instances',
    cell: (it) => <Instances service={it} />,
    by: (it) => instancesOf(it).length,
  },
  {
    title: 'Served by version',
    hint: 'Requests by the version of the instance that served them',
    cell: (it) => <Split parts={it.versions} />,
  },
  {
    title: 'Success',
    isNumber: true,
    cell: (it) => <Mark tone={toneOfRatio(it.successRatio)}>{percent(it.successRatio)}</Mark>,
    by: (it) => it.successRatio ?? 2,
  },
  { title: 'RPS', isNumber: true, cell: (it) => rate(it.rps), by: (it) => it.rps },
  { title: 'p50', isNumber: true, cell: (it) => latency(it.p50Ms), by: (it) => it.p50Ms ?? -1 },
  { title: 'p99', isNumber: true, cell: (it) => latency(it.p99Ms), by: (it) => it.p99Ms ?? -1 },
  {
    title: 'Failures',
    isNumber: true,
    cell: (it) => count(it.failureCount),
    by: (it) => it.failureCount,
  },
];

/** The services: their versions and instances, and what callers get of them. */
export function ServicesTable({
  services,
}: {
  readonly services: readonly Service[];
}): JSX.Element {
  const shown = services
    .filter((it) => matches(it.service, ...it.versions.map((version) => version.version)))
    .sort((a, b) => Number(isBacked(b)) - Number(isBacked(a)));
  return (
    <Table
      id="services"
      title="Services"
      note={`${services.length} known`}
      columns={columns}
      rows={shown}
      keyOf={(it) => it.service}
      empty={services.length === 0 ? 'No service is registered.' : 'No service matches the filter.'}
    />
  );
}

function Name({ service: { service } }: { readonly service: Service }): JSX.Element {
  if (service !== unknown) return <b>{serviceName(service)}</b>;
  return (
    <span class="dim" title="Callers that show no certificate: they have no sidecar">
      no identity
    </span>
  );
}

/** A service that only a route names has no instance of its own, and so no sidecar to lack. */
function Sidecar({ service }: { readonly service: Service }): JSX.Element {
  if (service.meshed) return <Mark tone="good">yes</Mark>;
  const isUsed = service.service === unknown || service.requestCount > 0 || isBacked(service);
  return isUsed ? <Mark tone="bad">none</Mark> : <span class="dim">{absent}</span>;
}

function isBacked(service: Service): boolean {
  return service.versions.length > 0;
}

function Instances({ service }: { readonly service: Service }): JSX.Element {
  const instances = instancesOf(service);
  const ready = instances.filter((it) => it.health === 'ready' && it.state === 'live').length;
  const title = instances
    .map((it) => `${it.id}  ${it.address}:${it.port}  ${it.health}, ${it.state}`)
    .join('\n');
  if (instances.length === 0) return <span class="dim">none of its own</span>;
  const tone = ready === instances.length ? 'good' : ready === 0 ? 'bad' : 'warn';
  const text = `${ready} of ${instances.length} ready`;
  return (
    <Mark tone={tone} title={title}>
      {text}
    </Mark>
  );
}

function instancesOf(service: Service): readonly Instance[] {
  return service.versions.flatMap((it) => it.instances);
}
