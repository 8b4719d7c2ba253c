/** The two ends of a call, for tests: applications that do as they are told, and clients. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  request,
  type Server,
} from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { Duplex } from 'node:stream';

/** An application, and what it has seen. */
export interface Application {
  readonly port: number;
  readonly seen: readonly IncomingMessage[];
  /** Takes every upgrade, answers 101, and hands over the connection. */
  onUpgrade(take: (socket: Duplex) => void): void;
  close(): void;
}

/** Answers each request by `serve`; the default is 200 and the path. */
export async function openApplication(serve: RequestListener = echo): Promise<Application> {
  const seen: IncomingMessage[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    seen.push(incoming);
    incoming.on('error', () => undefined);
    outgoing.on('error', () => undefined);
    serve(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    onUpgrade: (take) => {
      server.on('upgrade', (incoming, socket: Duplex) => {
        seen.push(incoming);
        socket.on('error', () => undefined);
        const protocol = incoming.headers.upgrade ?? '';
        socket.write(`HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
        take(socket);
      });
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const echo: RequestListener = (incoming, outgoing) => {
  incoming.resume();
  incoming.on('end', () => outgoing.end(incoming.url));
};

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a client asks. */
export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** What it got. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks the listener on `port` on a connection of its own. Rejects if no whole reply comes. */
export function ask(port: number, question: Question = {}): Promise<Reply> {
  const { method = 'GET', path = '/', host = 'shop', headers = {}, body = '' } = question;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      agent: false,
      headers: { host, ...headers, ...(body === '' ? {} : { 'content-length': body.length }) },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('latin1');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
      });
    });
    outgoing.end(body);
  });
}

/** Waits, turn by turn, until it is so; the timeout of the test is the deadline. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
