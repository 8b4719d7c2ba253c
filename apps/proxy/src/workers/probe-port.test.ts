import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { portProbe } from './probe-port.ts';

test.each([false, true])('a port that is taken is refused, shared: %s', async (reusePort) => {
  const other = createServer();
  other.listen({ port: 0, host: '127.0.0.1', reusePort });
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const at = { host: '127.0.0.1', port };
  await expect(portProbe()(at, 'LENO_INBOUND_LISTEN')).rejects.toMatchObject({
    code: 'LENO_LISTEN',
    message: expect.stringContaining('LENO_INBOUND_LISTEN') as unknown,
  });
  other.close();
  await once(other, 'close');
  await portProbe()(at, 'LENO_INBOUND_LISTEN');
});

test('a system that cannot share ports is said to be one', async () => {
  const probe = portProbe((_, { reusePort = false }) =>
    reusePort
      ? Promise.reject(Object.assign(new Error('no'), { code: 'ENOTSUP' }))
      : Promise.resolve(),
  );
  const at = { host: '127.0.0.1', port: 0 };
  await expect(probe(at, 'LENO_INBOUND_LISTEN')).rejects.toMatchObject({ code: 'LENO_SETTINGS' });
});
