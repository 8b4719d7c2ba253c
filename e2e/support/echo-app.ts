/**
 * The application of whole-system tests: plain `node:http`, knows nothing of a mesh, counts what it gets.
 * `POST /__knobs` makes it fail or hang; `GET /__counts` says what came.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const { PORT = '0', NAME = 'app', VERSION = 'v1', INSTANCE = 'app-1' } = process.env;

let knobs: { status?: number; hangMs?: number; errorRate?: number } = {};
let total = 0;
const byPath: Record<string, number> = {};

/** `/__call?url=…`: calls another service as any program would, and tells what came of it. */
async function callOut(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://self').searchParams.get('url') ?? '';
  try {
    const reply = await fetch(url);
    response.end(JSON.stringify({ status: reply.status, body: await reply.text() }));
  } catch (thrown) {
    response.end(JSON.stringify({ status: 0, body: String(thrown) }));
  }
}

function control(request: IncomingMessage, response: ServerResponse, body: string): boolean {
  if (request.url === '/__knobs') {
    knobs = JSON.parse(body);
    response.end('{}');
    return true;
  }
  if (request.url === '/__counts') {
    response.end(JSON.stringify({ total, byPath }));
    return true;
  }
  if (request.url?.startsWith('/__call?') === true) {
    void callOut(request, response);
    return true;
  }
  return false;
}

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (control(request, response, body)) return;
  total += 1;
  const path = (request.url ?? '').split('?')[0] ?? '';
  byPath[path] = (byPath[path] ?? 0) + 1;
  const failed = knobs.status !== undefined && Math.random() < (knobs.errorRate ?? 1);
  response.statusCode = failed ? (knobs.status ?? 500) : 200;
  response.setHeader('content-type', 'application/json');
  const reply = {
    service: NAME,
    version: VERSION,
    instance: INSTANCE,
    method: request.method,
    url: request.url,
    headers: request.headers,
    body: body.length > 1_000 ? body.length : body,
  };
  setTimeout(() => response.end(JSON.stringify(reply)), knobs.hangMs ?? 0);
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => answer(request, response, body));
});
server.keepAliveTimeout = 60_000;
server.listen(Number(PORT), '127.0.0.1', () => console.log(JSON.stringify({ ready: true })));
process.on('SIGTERM', () => process.exit(0));
