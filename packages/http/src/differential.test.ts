/**
 * The codecs beside another parser (llhttp, within node:http): what Leno takes, the other reads alike,
 * or refuses. Most of the octets are wrong, so what is tested above all is that nothing throws, hangs
 * or is read as something else.
 */
import { createServer, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { systemClock, systemTimers } from '@leno/std';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer } from './server-options.ts';
import { RawUpstream } from './testing/raw.ts';
import { CollectingSink, RecordedTry } from './testing/sinks.ts';
import { wildRequest, wildResponse } from './testing/wild-http1.ts';
import { UpstreamPool } from './upstream-pool.ts';

const runs = { numRuns: process.env['LENO_TEST_LONG'] === undefined ? 400 : 40_000 };
const WITHIN_MS = 5_000;
const DEADLINE_MS = 600_000;

/** `METHOD TARGET BODY` of requests that came whole, by the server's own name for the connection. */
type Taken = string[];

let ours: HttpServer;
let theirs: Server;
const ports = { ours: 0, theirs: 0 };
let taken: { readonly ours: Taken; readonly theirs: Taken } = { ours: [], theirs: [] };

beforeAll(async () => {
  ours = createHttpServer({
    handler: (exchange) => {
      const log = taken.ours;
      const { method, target } = exchange.head;
      const sink = new CollectingSink();
      exchange.readBody(sink);
      void sink.outcome.then((outcome) => {
        if (outcome !== 'end') return;
        log.push(`${method} ${target} ${sink.text}`);
        exchange.respond({ status: 200, fields: new FieldList(), contentLength: 0 }).end();
      });
    },
  });
  ports.ours = (await ours.listen(0, '127.0.0.1')).port;
  theirs = createServer({ requestTimeout: 0 }, (incoming, outgoing) => {
    const log = taken.theirs;
    let body = '';
    incoming.setEncoding('latin1');
    incoming.on('data', (piece: string) => {
      body += piece;
    });
    incoming.on('end', () => {
      if (!incoming.complete) return;
      log.push(`${incoming.method} ${pathOf(incoming.url ?? '')} ${body}`);
      outgoing.end();
    });
    incoming.on('error', () => undefined);
  });
  theirs.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    theirs.listen(0, '127.0.0.1', resolve);
  });
  const address = theirs.address();
  ports.theirs = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(async () => {
  await ours.close();
  theirs.closeAllConnections();
  theirs.close();
});

/** Absolute-form is taken apart by Leno and left to the handler by Node. */
function pathOf(url: string): string {
  return url.replace(/^http:\/\/svc\.local(?=[/?]|$)/, '') || '/';
}

/** Sends it in pieces, ends its half, and waits until the server has ended the other. */
function send(port: number, pieces: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const late = systemTimers.after(WITHIN_MS, () => {
      socket.destroy();
      reject(new Error(`the connection hangs: ${port === ports.ours ? 'ours' : 'theirs'}`));
    });
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      late.cancel();
      resolve();
    });
    for (const piece of pieces) socket.write(piece);
    socket.end();
  });
}

function cut(text: string, at: readonly number[]): Buffer[] {
  const octets = Buffer.from(text, 'latin1');
  const ends = [...at.map((it) => it % (octets.length + 1)), octets.length].sort((a, b) => a - b);
  return ends.map((end, index) => octets.subarray(ends[index - 1] ?? 0, end));
}

const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 4 });

test(
  'property: what is taken for a request, another parser takes for the same or refuses',
  async () => {
    let agreedCount = 0;
    await fc.assert(
      fc.asyncProperty(wildRequest, cuts, async (text, at) => {
        taken = { ours: [], theirs: [] };
        await Promise.all([
          send(ports.ours, cut(text, at)),
          send(ports.theirs, [Buffer.from(text, 'latin1')]),
        ]);
        const common = taken.ours.slice(0, taken.theirs.length);
        expect(common).toEqual(taken.theirs.slice(0, common.length));
        agreedCount += common.length;
      }),
      runs,
    );
    // Were nearly everything refused, nothing would have been compared.
    expect(agreedCount).toBeGreaterThan(runs.numRuns / 20);
    expect(ours.stats).toMatchObject({ connectionCount: 0, activeRequestCount: 0 });
  },
  DEADLINE_MS,
);

test(
  'property: what is delivered as a reply, another parser delivers alike or refuses',
  async () => {
    let text = '';
    let at: readonly number[] = [];
    const upstream = new RawUpstream(({ socket }) => {
      socket.once('data', () => {
        for (const piece of cut(text, at)) socket.write(piece);
        socket.end();
      });
    });
    const port = await upstream.listen();
    let agreedCount = 0;
    try {
      await fc.assert(
        fc.asyncProperty(wildResponse, cuts, async (octets, where) => {
          text = octets;
          at = where;
          const [us, them] = await Promise.all([askOurs(port), askTheirs(port)]);
          if (us === undefined || them === undefined) return;
          expect(us).toBe(them);
          agreedCount += 1;
        }),
        runs,
      );
    } finally {
      upstream.close();
    }
    expect(agreedCount).toBeGreaterThan(runs.numRuns / 20);
  },
  DEADLINE_MS,
);

/** Status and body, if it was delivered whole. */
async function askOurs(port: number): Promise<string | undefined> {
  const pool = new UpstreamPool({
    address: '127.0.0.1',
    port,
    limits: { connectionCountMax: 1, pendingCountMax: 1, requestCountMax: 1 },
    connectTimeoutMs: WITHIN_MS,
    idleTimeoutMs: WITHIN_MS,
    clock: systemClock,
    timers: systemTimers,
  });
  const events = new RecordedTry();
  pool.request(
    {
      method: 'GET',
      target: '/',
      authority: 'svc.local',
      fields: new FieldList(),
      contentLength: 0,
      upgrade: undefined,
    },
    events,
  );
  const outcome = await events.outcome;
  pool.close();
  return outcome === 'end' ? `${events.head?.status} ${events.body.text}` : undefined;
}

function askTheirs(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ port, host: '127.0.0.1', agent: false }, (incoming) => {
      let body = '';
      incoming.setEncoding('latin1');
      incoming.on('data', (piece: string) => {
        body += piece;
      });
      incoming.on('end', () => resolve(`${incoming.statusCode} ${body}`));
      incoming.on('error', () => resolve(undefined));
    });
    outgoing.on('error', () => resolve(undefined));
    outgoing.end();
  });
}
