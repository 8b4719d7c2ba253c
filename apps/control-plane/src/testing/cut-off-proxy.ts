/** For process.test.ts: a proxy in a process of its own, which is there to be killed. */
import { createCsr, generateKey, peerIdentity, privateKeyPem } from '@leno/ca';
import type { Svid } from '@leno/push';
import { PushClient } from '@leno/push/node';
import { ok, systemClock, systemRng, systemTimers } from '@leno/std';

const [push = '', join = ''] = process.argv.slice(2);
const key = generateKey();
const own: { svid?: Svid } = {};

const client = new PushClient({
  url: `wss://${push}/v1/push`,
  join,
  node: { id: 'cart-doomed', service: 'cart', namespace: 'default', labels: {}, build: 'test' },
  have: () => null,
  tls() {
    const { svid } = own;
    if (svid === undefined) return { checkServer: () => ok(undefined) };
    return {
      ca: svid.bundle,
      cert: svid.chain.join(''),
      key: privateKeyPem(key),
      checkServer: (der) => peerIdentity(der, { trustDomain: 'mesh.local' }),
    };
  },
  apply: () => ({ status: 'applied', errors: [] }),
  clock: systemClock,
  timers: systemTimers,
  rng: systemRng,
  on: {
    state: (status) => {
      if (status.kind === 'live') process.stdout.write('{"ready":true}\n');
    },
  },
});
client.start();
own.svid = await client.csr(createCsr({ key }));
client.restart();
client.lease(
  {
    ...{ id: 'cart-doomed', service: 'cart', ns: 'default', address: '127.0.0.1', port: 15_007 },
    ...{ weight: 1, health: 'ready', transport: 'mtls', labels: { version: 'v2' } },
  },
  15_000,
);
setInterval(() => undefined, 60_000);
