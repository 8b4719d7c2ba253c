/**
 * The floor of what Node can do: sockets and nothing else. `answer` replies to whatever arrives with
 * 1 KiB; `relay` passes bytes to the address given, a connection for each, and back. Arguments: port, then the
 * port to relay to or 0; then, where the middle is TLS, `serve` or `dial` and the directory of certificates.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';

const [port = '0', next = '0', tls = '', directory = ''] = process.argv.slice(2);
const reply = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n${'x'.repeat(1_024)}`,
  'latin1',
);
// One buffer for all sockets that are dialled: what was read has been written on before the next read.
const shared = Buffer.allocUnsafeSlow(65_536);

function pem(name: string): Buffer {
  return readFileSync(join(directory, `${name}.pem`));
}

function answer(socket: Socket): void {
  socket.on('data', () => socket.write(reply));
  socket.on('error', () => socket.destroy());
}

function relay(near: Socket): void {
  const far = tls === 'dial' ? dialTls(near) : dialPlain(near);
  near.setNoDelay(true);
  near.on('data', (chunk: Buffer) => far.write(chunk));
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const) {
    one.on('error', () => one.destroy());
    one.on('close', () => other.destroy());
  }
}

function dialPlain(near: Socket): Socket {
  return connect({
    port: Number(next),
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: shared,
      // The socket may keep what it cannot send at once, so it gets octets of its own.
      callback: (count, buffer) => near.write(Buffer.from(buffer.subarray(0, count))),
    },
  });
}

function dialTls(near: Socket): Socket {
  const far = connectTls({
    port: Number(next),
    host: '127.0.0.1',
    servername: 'inbound.test',
    key: pem('client'),
    cert: pem('client'),
    ca: pem('ca'),
    minVersion: 'TLSv1.3',
  });
  far.setNoDelay(true);
  far.on('data', (chunk: Buffer) => near.write(chunk));
  return far;
}

const listener = next === '0' ? answer : relay;
const server =
  tls === 'serve'
    ? createTlsServer(
        {
          key: pem('server'),
          cert: pem('server'),
          ca: pem('ca'),
          requestCert: true,
          minVersion: 'TLSv1.3',
        },
        listener,
      )
    : createServer({ noDelay: true }, listener);
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 });
