import type { MeshMetrics, MetricStore } from '@leno/telemetry';
import type { CertificateStore } from './certificate-store.ts';
import type { GatewayListeners } from './gateway-listeners.ts';

/** Fills the gauges of a gateway at each scrape; those of what is gone are taken out. */
export function collectGatewayMetrics(parts: {
  readonly families: MeshMetrics;
  readonly store: MetricStore;
  readonly listeners: GatewayListeners;
  readonly certificates: CertificateStore;
}): void {
  const { families, store, listeners, certificates } = parts;
  const { gatewayPortUp, gatewayCertNotAfter } = families;
  let ports: readonly string[] = [];
  let names: readonly string[] = [];
  store.onCollect(() => {
    for (const port of ports) gatewayPortUp.remove(port);
    ports = [...listeners.ports()].map(([port, isOpen]) => {
      gatewayPortUp.set(gatewayPortUp.handle(String(port)), isOpen ? 1 : 0);
      return String(port);
    });
    for (const name of names) gatewayCertNotAfter.remove(name);
    names = [...certificates.ends()].map(([name, notAfterMs]) => {
      gatewayCertNotAfter.set(gatewayCertNotAfter.handle(name), notAfterMs / 1_000);
      return name;
    });
  });
}
