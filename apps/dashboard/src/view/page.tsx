import type { JSX } from 'preact';
import { span } from '../format.ts';
import { frame, isStale, link } from '../live/state.ts';
import { EventsTable } from './events.tsx';
import { Figures } from './figures.tsx';
import { Header } from './header.tsx';
import { Notices } from './notices.tsx';
import { ProxiesTable } from './proxies.tsx';
import { ServicesTable } from './services.tsx';
import { TopologyTable } from './topology.tsx';

/** The whole page. */
export function Page(): JSX.Element {
  return (
    <>
      <a class="skip" href="#topology">
        To the topology
      </a>
      <Header />
      <Notices />
      <main class={isStale.value ? 'stale' : undefined}>
        <Content />
      </main>
    </>
  );
}

function Content(): JSX.Element | null {
  const known = frame.value;
  if (known === undefined) {
    return link.value.kind === 'offline' ? null : (
      <p class="empty">Waiting for the first figures…</p>
    );
  }
  const { status, topology, proxies } = known;
  return (
    <>
      <Figures status={status} />
      <TopologyTable topology={topology} />
      <ProxiesTable proxies={proxies} nowMs={status.nowMs} certLifeMs={status.ca.leafTtlMs} />
      <ServicesTable services={topology.services} />
      <EventsTable />
      <footer class="foot">
        Leno {status.build} · control plane up for {span(status.nowMs - status.startedAtMs)} ·{' '}
        <a href="/v1/openapi.json">API</a> · <a href="/metrics">metrics</a>
      </footer>
    </>
  );
}
