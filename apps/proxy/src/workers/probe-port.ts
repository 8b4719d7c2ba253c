import { createServer } from 'node:net';
import type { ListenOptions } from '@leno/http';
import { codeOf } from '@leno/std';
import { type ListenAddress, SettingsError } from '../env.ts';
import { listenError } from '../listen.ts';

/** Whether `at` can be listened on now. Resolves when it can; rejects with the reason. */
export type ProbePort = (at: ListenAddress, setting: string) => Promise<void>;

/** Listens and lets go at once. */
type ListenOnce = (at: ListenAddress, options: ListenOptions) => Promise<void>;

/**
 * Ports that are shared among workers are shared with anybody of the same user who wants to: two
 * proxies by mistake on one port would each get half of the other's connections, and nobody would
 * be told. So the port must be free for one alone before it is shared. Also tells, by exit code 64,
 * where the system cannot share ports at all.
 */
export function portProbe(listenOnce: ListenOnce = listenAndClose): ProbePort {
  return async (at, setting) => {
    try {
      await listenOnce(at, {});
      await listenOnce(at, { reusePort: true });
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOTSUP') throw listenError(at, setting, thrown);
      throw new SettingsError(
        'LENO_WORKERS is more than 1, and this system cannot share a port among processes: use 1',
      );
    }
  };
}

function listenAndClose(at: ListenAddress, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ ...options, port: at.port, host: at.host }, () => {
      server.close(() => resolve());
    });
  });
}
