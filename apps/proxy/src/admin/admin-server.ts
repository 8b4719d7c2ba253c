import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { ListenAddress } from '../env.ts';
import { listenError, renderAddress } from '../listen.ts';

/** An admin interface that listens. */
export interface AdminServer {
  readonly address: string;
  close(): void;
}

/** Serves `app`; `setting` is named in the error if the port cannot be had. */
export async function serveAdmin(
  app: Hono,
  at: ListenAddress,
  setting: string,
): Promise<AdminServer> {
  const server = createServer({ requestTimeout: 10_000 }, getRequestListener(app.fetch));
  await listening(server, at, setting);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : at.port;
  return {
    address: renderAddress({ address: at.host, port }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, at: ListenAddress, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (thrown) => reject(listenError(at, setting, thrown)));
    server.listen(at.port, at.host, resolve);
  });
}
