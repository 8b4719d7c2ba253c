import type { DataPlane } from '@leno/dataplane';
import type { Front } from '../front.ts';
import type { GatewayListeners } from './gateway-listeners.ts';

/** The front of a gateway: its listeners are what its configuration says, and nothing else. */
export function gatewayFront(listeners: GatewayListeners, dataPlane: DataPlane): Front {
  return {
    listen: () => Promise.resolve({ tcp: [] }),
    prepare: (resources) => listeners.prepare(resources),
    follow: () => listeners.commit(dataPlane.engine.table.gateway),
    // All that it takes comes in.
    drain: (listener, withinMs) =>
      listener === 'inbound' ? listeners.drain(withinMs) : Promise.resolve(),
    close: () => listeners.close(),
    // Calls go into the mesh, as those of an application do.
    listeners: [{ name: 'gateway', direction: 'outbound', stats: () => listeners.total() }],
    tcpStats: undefined,
    servers: () => listeners.servers(),
    stats: () => listeners.stats(),
    faults: () => listeners.faults(),
  };
}
