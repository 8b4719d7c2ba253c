/** Opens a stream under one set of policies, puts another in force, and looks whether it ends. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { pause, until } from '../bed/until.ts';
import { octetsOf } from '../http/bytes-format.ts';
import type { PathAuthzCase } from '../http/path-authz-format.ts';
import { readReplies } from '../http/reply-reader.ts';
import type { AccessBed } from './access-bed.ts';
import { checkProxy } from './play-check.ts';

export type LiveCase = Extract<PathAuthzCase, { readonly kind: 'live' }>;
type Variant = LiveCase['variants'][number];

const WITHIN_MS = 5_000;
const SECOND_MS = 1_000;
const TARGET = '/stream';

/** A stream as its client sees it. */
interface LiveStream {
  readonly status: () => number | undefined;
  readonly octetCount: () => number;
  readonly hasEnded: () => boolean;
  close(): void;
}

/** Plays one variant; gives the first thing that is not as expected. */
export async function playLive(
  bed: AccessBed,
  it: LiveCase,
  variant: Variant,
): Promise<string | undefined> {
  const refused = await bed.apply({ policies: it.before });
  if (refused !== undefined) return `policies before: refused: ${refused}`;
  bed.http.recorder.streamTarget = TARGET;
  const stream = await (variant === 'websocket' ? openWebSocket : openHttp2)(bed, it.peer);
  try {
    const problem = await judge(bed, it, stream);
    return problem === undefined ? undefined : `${variant}: ${problem}`;
  } finally {
    stream.close();
    await bed.clear();
  }
}

async function judge(
  bed: AccessBed,
  { peer, after, expect }: LiveCase,
  stream: LiveStream,
): Promise<string | undefined> {
  await until(() => stream.status() !== undefined || stream.hasEnded(), WITHIN_MS);
  const status = stream.status();
  if (status === undefined || !expect.openedWith.includes(status)) {
    return `opened with ${status}, not ${expect.openedWith.join(' or ')}`;
  }
  if (!(await until(() => stream.octetCount() > 0, WITHIN_MS))) return 'nothing comes on it';
  const refused = await bed.apply({ policies: after });
  if (refused !== undefined) return `policies after: refused: ${refused}`;
  const { endedWithinSeconds, staysOpenSeconds } = expect;
  if (endedWithinSeconds !== undefined) {
    const hasEnded = await until(stream.hasEnded, endedWithinSeconds * SECOND_MS);
    if (!hasEnded) return `still open ${endedWithinSeconds} s later`;
  }
  if (staysOpenSeconds !== undefined) {
    await pause(staysOpenSeconds * SECOND_MS);
    if (stream.hasEnded()) return 'it was ended';
    const count = stream.octetCount();
    const works = await until(() => stream.octetCount() > count, SECOND_MS);
    if (!works) return 'it is open and nothing comes any more';
  }
  const request = { method: 'GET', path: '/after' };
  return checkProxy(bed, { peer, request, decision: expect.newRequest });
}

async function openWebSocket(bed: AccessBed, peer: string): Promise<LiveStream> {
  const client = await bed.connectAs(peer);
  const fields = [
    'Host: svc.local',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  await client.write(octetsOf(`GET ${TARGET} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n`));
  const headEnd = (): number => client.octets.indexOf('\r\n\r\n');
  return {
    status: () => (headEnd() < 0 ? undefined : statusIn(client.octets.subarray(0, headEnd() + 4))),
    octetCount: () => (headEnd() < 0 ? 0 : client.octets.length - headEnd() - 4),
    hasEnded: () => client.end !== 'open',
    close: () => client.destroy(),
  };
}

function statusIn(headOctets: Buffer): number | undefined {
  return readReplies(headOctets, ['GET'], 'open').finals[0]?.status;
}

function openHttp2(bed: AccessBed, peer: string): Promise<LiveStream> {
  const { key, cert, ca } = bed.identityOf(peer);
  const at = `https://127.0.0.1:${bed.http.proxy.inboundPort}`;
  const options = { key, cert, ca, checkServerIdentity: () => undefined };
  const session: ClientHttp2Session = connect(at, options);
  session.on('error', () => undefined);
  const stream = session.request({ ':path': TARGET, ':authority': 'svc.local' });
  let status: number | undefined;
  let octetCount = 0;
  stream.on('error', () => undefined);
  stream.on('response', (fields) => {
    status = fields[':status'];
  });
  stream.on('data', (chunk: Buffer) => {
    octetCount += chunk.length;
  });
  return Promise.resolve({
    status: () => status,
    octetCount: () => octetCount,
    hasEnded: () => stream.closed || stream.destroyed,
    close: () => session.destroy(),
  });
}
