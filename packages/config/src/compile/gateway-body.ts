import type { Gateway } from '../kinds/gateway.ts';
import type { GatewayBody } from '../model/gateway.ts';

/** The pushed form of a gateway. */
export function gatewayBody(gateway: Gateway): GatewayBody {
  const { namespace, name } = gateway.metadata;
  const listeners = gateway.spec.listeners.map((listener) => ({
    name: listener.name,
    port: listener.port,
    protocol: protocols[listener.protocol],
    ...(listener.hostname === undefined ? {} : { hostname: listener.hostname }),
    certificates: [...new Set(listener.tls?.certificateRefs.map((ref) => ref.name))],
    routesFrom: sources[listener.allowedRoutes?.namespaces?.from ?? 'Same'],
  }));
  return { namespace, name, listeners };
}

const protocols = { HTTP: 'http', HTTPS: 'https' } as const;
const sources = { Same: 'same', All: 'all' } as const;
