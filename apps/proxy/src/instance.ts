import { networkInterfaces } from 'node:os';
import { workersLabel } from '@leno/dataplane';
import type { LeaseInstance } from '@leno/push';
import type { Settings } from './env.ts';

/** How this proxy registers: what it serves, and where others reach its inbound listener. */
export function instanceOf(
  settings: Settings,
  id: string,
  inbound: { readonly address: string; readonly port: number },
): LeaseInstance {
  const [host, port] = (settings.LENO_ADVERTISE ?? '').split(':');
  return {
    id,
    service: settings.LENO_SERVICE,
    ns: settings.LENO_NAMESPACE,
    address: host === undefined || host === '' ? reachable(inbound.address) : host,
    port: port === undefined ? inbound.port : Number(port),
    weight: 1,
    health: 'ready',
    transport: 'mtls',
    labels: {
      ...settings.LENO_LABELS,
      app: settings.LENO_SERVICE,
      version: settings.LENO_VERSION,
      // Who calls it often opens several connections, so that more than one worker is reached.
      ...(settings.LENO_WORKERS === 1 ? {} : { [workersLabel]: String(settings.LENO_WORKERS) }),
    },
  };
}

/** An address that stands for all of them says nothing: the first that others can reach is taken. */
function reachable(address: string): string {
  if (address !== '0.0.0.0' && address !== '::' && address !== '') return address;
  const own = Object.values(networkInterfaces())
    .flat()
    .find((it) => it !== undefined && !it.internal && it.family === 'IPv4');
  return own?.address ?? '127.0.0.1';
}
