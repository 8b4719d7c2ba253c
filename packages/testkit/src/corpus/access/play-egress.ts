/** Asks for what is not in the mesh, and looks that nobody is connected to. */
import { createServer, type Server } from 'node:net';
import { RawClient } from '../bed/raw-client.ts';
import { until } from '../bed/until.ts';
import { octetsOf } from '../http/bytes-format.ts';
import type { PathAuthzCase } from '../http/path-authz-format.ts';
import { readReplies } from '../http/reply-reader.ts';
import type { AccessBed } from './access-bed.ts';
import type { NameAnswers } from './bed-dns.ts';

type EgressCase = Extract<PathAuthzCase, { readonly kind: 'egress' }>;

const WITHIN_MS = 5_000;
const HTTP_PORT = 80;
/** A name that changes is asked for again, beyond the time that an answer may be kept for. */
const AGAIN_MS = 1_500;

/** Gives the first thing that is not as expected. */
export async function playEgress(
  bed: AccessBed,
  { targets, expect }: EgressCase,
): Promise<string | undefined> {
  const refused = await bed.apply({ policies: [], egress: 'passthrough' });
  if (refused !== undefined) return `passing through is refused: ${refused}`;
  const names = targets.flatMap(({ host, resolves, thenResolves }) =>
    resolves === undefined ? [] : [[host, { resolves, thenResolves }] as const],
  );
  bed.dns.set(new Map<string, NameAnswers>(names));
  const traps = await Trap.open();
  const seenBefore = bed.http.recorder.requests.length;
  try {
    for (const { host, thenResolves } of targets) {
      const pauses = thenResolves === undefined ? [0] : [0, 0, AGAIN_MS];
      for (const pauseMs of pauses) {
        await until(() => false, pauseMs);
        const status = await statusOf(bed, host);
        if (status === undefined) return `${host}: no reply within ${WITHIN_MS} ms`;
        if (!expect.status.includes(status)) {
          return `${host}: status ${status}, not ${expect.status.join(' or ')}`;
        }
        if (traps.connectionCount > 0) return `${host}: somebody on this machine was connected to`;
      }
    }
    const isSeen = bed.http.recorder.requests.length > seenBefore;
    return isSeen ? 'a request came upstream' : undefined;
  } finally {
    traps.close();
    await bed.clear();
  }
}

async function statusOf(bed: AccessBed, host: string): Promise<number | undefined> {
  const client = await RawClient.open(bed.http.proxy.outboundPort);
  try {
    await client.write(octetsOf(`GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    const replies = () => readReplies(client.octets, ['GET'], client.end);
    await until(() => replies().finals[0]?.isWhole === true, WITHIN_MS);
    return replies().finals[0]?.status;
  } finally {
    client.destroy();
  }
}

/** Listens where requests to this machine itself would arrive, if the machine lets it. */
class Trap {
  readonly #servers: readonly Server[];
  connectionCount = 0;

  private constructor(servers: readonly Server[]) {
    this.#servers = servers;
    for (const server of servers) {
      server.on('connection', (socket) => {
        this.connectionCount += 1;
        socket.destroy();
      });
    }
  }

  static async open(): Promise<Trap> {
    const found = await Promise.all(['0.0.0.0', '::1'].map((host) => listening(host)));
    return new Trap(found.flatMap((server) => server ?? []));
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}

function listening(host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(HTTP_PORT, host, () => resolve(server));
  });
}
