/**
 * Who goes away is let go at once: a client that vanishes takes its request with it all the way to the
 * application, whatever it spoke and however it went, and one whose application vanishes learns of it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { type DepotMesh, startDepotMesh } from './support/depot-mesh.ts';
import { stands, until } from './support/until.ts';

let bed: DepotMesh;
let client: MeshClient | undefined;
const tookMs: Record<string, number> = {};

beforeAll(async () => {
  bed = await startDepotMesh();
});

afterEach(async () => {
  client?.close();
  await bed.atRest(3_000);
});

afterAll(async () => {
  console.log(JSON.stringify({ vanished: tookMs }));
  await bed?.stop();
});

const UPLOAD_BYTES = 200_000;
/** A FIN may be a half-close: 250 ms of silence tell, twice where some of a reply was still on its way. */
const WITHIN_MS = 1_500;
/** Where a request is when its client goes, and what shows that it is there. */
const phases = [
  { phase: 'no reply yet', path: '/hang', upload: false },
  { phase: 'amid its body', path: '/hang', upload: true },
  { phase: 'amid the reply', path: '/drip', upload: false },
  { phase: 'reply unread', path: '/octets/1000000000', upload: false },
] as const;

interface Asked {
  readonly path: string;
  readonly upload: boolean;
  readonly port: number;
}

/** The octets with which a request begins; of the body that it promises it sends a part. */
function beginning({ path, upload }: Asked): string {
  const head = `${upload ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: depot\r\n`;
  if (!upload) return `${head}\r\n`;
  return `${head}Content-Length: 1000000\r\n\r\n${'x'.repeat(UPLOAD_BYTES)}`;
}

async function openHttp1(asked: Asked): Promise<Socket> {
  const socket = connect(asked.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(beginning(asked));
  return socket;
}

async function openHttp2(asked: Asked): Promise<{ stream: ClientHttp2Stream; socket: Socket }> {
  const socket = connect(asked.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const session = connectHttp2('http://depot', { createConnection: () => socket });
  session.on('error', () => undefined);
  const stream = session.request({
    ':method': asked.upload ? 'POST' : 'GET',
    ':path': asked.path,
    ':authority': 'depot',
  });
  stream.on('error', () => undefined);
  stream.on('close', () => session.destroy());
  if (asked.upload) stream.write('x'.repeat(UPLOAD_BYTES));
  return { stream, socket };
}

/** A program of its own, which asks and waits. */
const program = `
const [port, method, path, bytes, version] = process.argv.slice(1);
const url = 'http://127.0.0.1:' + port;
let outgoing;
if (version === '1') {
  const headers = { host: 'depot', ...(bytes > 0 ? { 'content-length': 1000000 } : {}) };
  outgoing = require('http').request(url + path, { method, headers });
  outgoing.on('response', (incoming) => incoming.pause());
} else {
  const fields = { ':method': method, ':path': path, ':authority': 'depot' };
  outgoing = require('http2').connect(url).request(fields);
}
if (bytes > 0) outgoing.write('x'.repeat(bytes));
else outgoing.end();
setInterval(() => undefined, 1000);
`;

function startProgram({ path, upload, port }: Asked, version: string): ChildProcess {
  const [method, bytes] = upload ? ['POST', UPLOAD_BYTES] : ['GET', 0];
  const args = ['-e', program, String(port), method, path, String(bytes), version];
  return spawn(process.execPath, args, { stdio: 'ignore' });
}

/** How a client opens a request, and how it goes. */
const ways: Readonly<Record<string, (asked: Asked) => Promise<() => unknown>>> = {
  'HTTP/1.1, FIN': async (asked) => {
    const socket = await openHttp1(asked);
    return () => socket.destroy();
  },
  'HTTP/1.1, RST': async (asked) => {
    const socket = await openHttp1(asked);
    return () => socket.resetAndDestroy();
  },
  'HTTP/1.1, SIGKILL': async (asked) => {
    const child = startProgram(asked, '1');
    return () => child.kill('SIGKILL');
  },
  'HTTP/2, RST_STREAM': async (asked) => {
    const { stream } = await openHttp2(asked);
    return () => stream.close(8);
  },
  'HTTP/2, FIN': async (asked) => {
    const { socket } = await openHttp2(asked);
    return () => socket.destroy();
  },
  'HTTP/2, RST': async (asked) => {
    const { socket } = await openHttp2(asked);
    return () => socket.resetAndDestroy();
  },
  'HTTP/2, SIGKILL': async (asked) => {
    const child = startProgram(asked, '2');
    return () => child.kill('SIGKILL');
  },
};

const cases = Object.keys(ways).flatMap((way) => phases.map((it) => ({ way, ...it })));

test.each(cases)('$way, $phase: the application hears of it', async ({ way, ...it }) => {
  const path = `${it.path}/${Object.keys(tookMs).length}`;
  const visit = bed.depot.visit(path);
  const vanish = await ways[way]?.({ path, upload: it.upload, port: bed.port });
  await until(
    () => visit.came === 1 && visit.byteCount >= (it.upload ? UPLOAD_BYTES : 0),
    'it is there',
  );
  if (it.phase === 'reply unread') await stands(() => visit.sentByteCount);
  expect(visit.gone).toBe(0);
  const atMs = performance.now();
  vanish?.();
  await until(() => visit.gone === 1, 'the application hears of it', WITHIN_MS);
  tookMs[`${way}, ${it.phase}`] = Math.round(visit.goneAtMs - atMs);
});

test.each(['/hang', '/drip', '/octets/1000000000'])(
  'an application that vanishes amid %s is no secret',
  async (word) => {
    const path = `${word}/vanishing`;
    const visit = bed.depot.visit(path);
    client = new MeshClient(bed.web.outbound);
    const answer = client.send('depot', { method: 'POST', path, body: 'not to be sent again' });
    await until(() => visit.came === 1, 'it is there');
    if (word !== '/hang') await until(() => visit.sockets.size === 1, 'the reply is on its way');
    bed.depot.breakOff(path);
    const { status, error, headers } = await answer;
    if (word === '/hang')
      expect([status, headers['x-leno-reason']]).toEqual([503, 'upstream-reset']);
    else expect(error).toMatch(/aborted|socket hang up|ECONNRESET/);
    expect(visit.came).toBe(1);
    expect((await client.send('depot')).status).toBe(200);
  },
);
