/**
 * Registers the upstream in the mesh as an instance without a sidecar, so that one hop can be
 * measured: joins as its service does, and keeps the lease until the process ends.
 */
import { checkPin, createCsr, generateKey, privateKeyPem } from '@leno/ca';
import { type ClientTls, PushClient } from '@leno/push/node';
import { systemClock, systemRng, systemTimers } from '@leno/std';

export interface PlainEndpoint {
  /** `host:port` of the push listener. */
  readonly push: string;
  readonly trustPin: string;
  readonly joinToken: string;
  readonly service: string;
  readonly port: number;
}

const leaseTtlMs = 15_000;

/** Resolves once the lease is asked for; the result ends it. */
export async function registerPlain(endpoint: PlainEndpoint): Promise<() => void> {
  const { service, port } = endpoint;
  const labels = { app: service, version: 'v1' };
  const own: Partial<Pick<ClientTls, 'ca' | 'key' | 'cert'>>[] = []; // None until it has joined.
  const client = new PushClient({
    url: `wss://${endpoint.push}/v1/push`,
    tls: (): ClientTls => ({
      checkServer: (_der, chain) => checkPin(chain.slice(-1), endpoint.trustPin),
      ...own[0],
    }),
    join: endpoint.joinToken,
    node: { id: `${service}-1`, service, namespace: 'default', labels, build: 'bench' },
    have: () => null,
    apply: () => ({ status: 'applied', errors: [] }),
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
  });
  client.start();
  const key = generateKey();
  const { chain, bundle } = await client.csr(createCsr({ key }));
  own.push({ key: privateKeyPem(key), cert: chain.join(''), ca: bundle });
  client.restart(); // A session that joins may do nothing else.
  client.lease(
    {
      id: `${service}-1`,
      service,
      ns: 'default',
      address: '127.0.0.1',
      port,
      weight: 1,
      health: 'ready',
      transport: 'plain',
      labels,
    },
    leaseTtlMs,
  );
  return () => client.stop();
}
