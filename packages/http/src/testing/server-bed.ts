/** A server with virtual time, and what is needed to talk to it. */
import { setImmediate } from 'node:timers/promises';
import { afterEach } from 'vitest';
import type { ServerExchange } from '../exchange.ts';
import { FieldList } from '../fields.ts';
import type { ServerLimits } from '../limits.ts';
import { createHttpServer } from '../server.ts';
import type { HttpServer, HttpServerOptions, Rejection } from '../server-options.ts';
import { type RawPeer, rawClient } from './raw.ts';
import { ManualTime } from './time.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

export interface Bed {
  readonly server: HttpServer;
  readonly port: number;
  readonly time: ManualTime;
  readonly rejections: Rejection[];
  client(): RawPeer;
}

/** Everything is closed after the test. */
export async function serve(
  handler: (exchange: ServerExchange) => void,
  limits: Partial<ServerLimits> = {},
  more: Pick<HttpServerOptions, 'halfCloseGraceMs'> = {},
): Promise<Bed> {
  const time = new ManualTime();
  const rejections: Rejection[] = [];
  const server = createHttpServer({
    handler,
    limits,
    ...more,
    clock: time,
    timers: time,
    onRejected: (rejection) => {
      rejections.push(rejection);
      return FieldList.of([['x-leno-reason', rejection.reason]]);
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  const client = () => {
    const peer = rawClient(port);
    open.push({ close: () => peer.socket.destroy() });
    return peer;
  };
  open.push(server);
  return { server, port, time, rejections, client };
}

export const noFields = new FieldList();
export const bytes = (text: string) => Buffer.from(text, 'latin1');
export const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
export const post = (length: number, more = '') =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n`;
export const reply = (exchange: ServerExchange, text: string, status = 200) => {
  exchange.respond({ status, fields: noFields, contentLength: undefined }, bytes(text));
};

/** Lets the event loop go round once. */
export async function turn(): Promise<void> {
  await setImmediate();
}
