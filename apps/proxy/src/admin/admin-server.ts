import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import type { ListenAddress } from '../env.ts';
import { listenError, renderAddress } from '../listen.ts';

/** People and scrapers; more is a mistake. Those beyond are closed at once. */
const CONNECTION_COUNT_MAX = 256;

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
  const listener = getRequestListener(app.fetch);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    (request, response) => void listener(request, response),
  );
  server.maxConnections = CONNECTION_COUNT_MAX;
  await listening(server, at, setting);
  // A failure to accept (no descriptors left) is the system's to report, not a reason to end.
  server.on('error', () => undefined);
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
    const failed = (thrown: unknown): void => reject(listenError(at, setting, thrown));
    server.once('error', failed);
    server.listen(at.port, at.host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}
