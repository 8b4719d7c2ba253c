import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { WebSocketServer } from 'ws';
import { frameAt, pastEvents } from './dashboard-frame.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** What a strict host of the page says: nothing from elsewhere, nothing inline. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";

/** A control plane as far as the page sees it: its files under a strict policy, and a frame each 100 ms. */
export interface DashboardServer {
  readonly url: string;
  readonly port: number;
  /** Sends no more than the frames that are empty, from the next one on. */
  setEmpty(): void;
  close(): Promise<void>;
}

export async function startDashboardServer(folder: string, port = 0): Promise<DashboardServer> {
  let isEmpty = false;
  const server = createServer((request, reply) => void serve(folder, request, reply));
  const sockets = new WebSocketServer({ server, path: '/v1/stream' });
  sockets.on('connection', (socket) => {
    let second = 0;
    const send = () => {
      const frame = frameAt(second);
      if (isEmpty) Object.assign(frame, { proxies: [], topology: { services: [], edges: [] } });
      socket.send(JSON.stringify(frame));
      second += 1;
    };
    send();
    const timer = setInterval(send, 100);
    socket.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/`,
    port: bound,
    setEmpty: () => {
      isEmpty = true;
    },
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

async function serve(
  folder: string,
  request: IncomingMessage,
  reply: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/v1/events') {
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(pastEvents()));
    return;
  }
  const file = pathname === '/' ? 'index.html' : pathname.slice(1);
  try {
    const body = await readFile(join(folder, file));
    reply.setHeader('content-security-policy', policy);
    reply.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream').end(body);
  } catch {
    reply.writeHead(404).end();
  }
}
