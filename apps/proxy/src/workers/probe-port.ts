import { createServer } from 'node:net';
import type { ListenOptions } from '@leno/http';
import { codeOf } from '@leno/std';
import { type ListenAddress, SettingsError } from '../env.ts';
import { listenError } from '../listen.ts';

/** Whether `at` can be listened on now. Resolves when it can; rejects with the reason. */
export type ProbePort = (at: ListenAddress, setting: string) => Promise<void>;

/**
 * Ports that are shared among workers are shared with anybody of the same user who wants to: two
 * proxies by mistake on one port would each get half of the other's connections, and nobody would
 * be told. So the port must be free for one alone before it is shared. Also tells where the system
 * cannot share ports at all.
 */
export const probePort: ProbePort = async (at, setting) => {
  try {
    await listenOnce(at, { reusePort: true });
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOTSUP' && codeOf(thrown) !== 'ENOSYS') {
      throw listenError(at, setting, thrown);
    }
    throw new SettingsError(
      'LENO_WORKERS is more than 1, and this system cannot share a port among processes: use 1',
    );
  }
  try {
    await listenOnce(at, {});
  } catch (thrown) {
    throw listenError(at, setting, thrown);
  }
};

function listenOnce(at: ListenAddress, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ ...options, port: at.port, host: at.host }, () => {
      server.close(() => resolve());
    });
  });
}
