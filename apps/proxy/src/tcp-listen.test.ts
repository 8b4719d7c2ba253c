import type { DataPlane } from '@leno/dataplane';
import { expect, test } from 'vitest';
import { startTcpListeners } from './tcp-listen.ts';

const at = (port: number) => ({ host: '127.0.0.1', port, authority: 'db:5432' });
/** Nobody comes to these listeners. */
const nobody = { engine: { tcp: {} } } as unknown as DataPlane;

test('a port that is taken is named with its setting, and nothing is left open', async () => {
  const first = await startTcpListeners([at(0)], nobody);
  const [address = ''] = first.addresses;
  const taken = Number(/:(\d+)=db:5432$/.exec(address)?.[1]);
  await expect(startTcpListeners([at(0), at(taken)], nobody)).rejects.toThrow(
    `127.0.0.1:${taken} is taken by another program: choose another by LENO_TCP_LISTEN`,
  );
  await first.close();
  // Free again: those of the attempt that failed are, too, or this would not be.
  const again = await startTcpListeners([at(taken)], nobody);
  again.stopListening();
  await again.close();
});
