/** Opens one WebSocket to a control plane, over TLS 1.3, once the server has shown who it is. */
import { isIP } from 'node:net';
import { type DetailedPeerCertificate, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { messageOf } from '@leno/std';
import { WebSocket } from 'ws';
import { subprotocol } from '../messages/codec.ts';
import type { ClientTls } from './client-options.ts';

/** Where to, and with what. */
export interface Dial {
  readonly url: string;
  readonly tls: ClientTls;
  readonly join: string | undefined;
  readonly messageBytesMax: number;
}

/** What becomes of it. After `lost` nothing more comes. */
export interface DialEvents {
  opened(isJoining: boolean): void;
  text(text: string): void;
  heard(): void;
  lost(reason: string, retryAfterMs: number): void;
}

/** The connection, open or not yet. */
export interface Dialled {
  send(text: string): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
  readonly bufferedBytes: number;
}

/**
 * Connects, checks the server, and only then sends the upgrade, so that neither a token nor a name
 * reaches somebody else. Compression is never negotiated: it costs 20 times what it saves.
 */
export function dial(request: Dial, events: DialEvents): Dialled {
  let socket: WebSocket | undefined;
  let isOver = false;
  const lost = (reason: string, retryAfterMs = 0): void => {
    if (isOver) return;
    isOver = true;
    events.lost(reason, retryAfterMs);
  };
  const raw = openTls(request);
  raw.on('error', (error) => lost(messageOf(error)));
  raw.on('close', () => lost('connection closed'));
  raw.once('secureConnect', () => {
    const why = serverFault(raw, request.tls);
    if (why !== undefined) {
      lost(`the server was refused: ${why}`);
      raw.destroy();
      return;
    }
    if (!isOver) socket = openWebSocket(request, raw, { ...events, lost });
  });
  return {
    send: (text) => socket?.send(text),
    ping: () => socket?.ping(),
    close(code, reason) {
      isOver = true;
      if (socket === undefined) raw.destroy();
      else socket.close(code, reason.slice(0, 120));
    },
    terminate() {
      isOver = true;
      socket?.terminate();
      raw.destroy();
    },
    get bufferedBytes() {
      return socket?.bufferedAmount ?? 0;
    },
  };
}

/** How long a close frame may wait for its answer; an option that the types of ws do not know. */
const closing = { closeTimeout: 2_000 };

function openTls({ url, tls }: Dial): TLSSocket {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const ca = tls.ca === undefined || tls.ca.length === 0 ? undefined : [...tls.ca];
  return tlsConnect({
    host,
    port: Number(port === '' ? 443 : port),
    minVersion: 'TLSv1.3',
    // Without roots the chain cannot be verified here: `checkServer` has the pin, and decides alone.
    rejectUnauthorized: ca !== undefined,
    // Who the server is says its SPIFFE id, not a host name.
    checkServerIdentity: () => undefined,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(tls.key === undefined || tls.cert === undefined ? {} : { key: tls.key, cert: tls.cert }),
  });
}

function serverFault(raw: TLSSocket, tls: ClientTls): string | undefined {
  const chain: Buffer[] = [];
  let next: DetailedPeerCertificate | undefined = raw.getPeerCertificate(true);
  // A root names itself as its issuer.
  while (next?.raw !== undefined && chain.length < 8 && chain.at(-1)?.equals(next.raw) !== true) {
    chain.push(next.raw);
    next = next.issuerCertificate;
  }
  const [leaf] = chain;
  if (leaf === undefined) return 'it has no certificate';
  const verdict = tls.checkServer(leaf, chain);
  return verdict.ok ? undefined : verdict.error;
}

function openWebSocket(request: Dial, raw: TLSSocket, events: DialEvents): WebSocket {
  const { tls, join } = request;
  const isJoining = tls.cert === undefined && join !== undefined;
  const socket = new WebSocket(request.url, subprotocol, {
    ...closing,
    createConnection: () => raw,
    perMessageDeflate: false,
    maxPayload: request.messageBytesMax,
    maxFragments: 16,
    followRedirects: false,
    headers: isJoining ? { authorization: `Join ${join}` } : {},
  });
  socket.on('unexpected-response', (upgrade, response) => {
    const seconds = Number(response.headers['retry-after'] ?? 0);
    const retryAfterMs = Number.isFinite(seconds) ? Math.max(0, seconds) * 1_000 : 0;
    events.lost(`the upgrade was answered ${String(response.statusCode)}`, retryAfterMs);
    upgrade.destroy();
  });
  socket.on('open', () => events.opened(isJoining));
  socket.on('ping', () => events.heard());
  socket.on('pong', () => events.heard());
  socket.on('message', (frame, isBinary) => {
    events.text(isBinary || !Buffer.isBuffer(frame) ? '' : frame.toString('utf8'));
  });
  socket.on('error', (error) => events.lost(messageOf(error), 0));
  socket.on('close', (code, reason) => {
    events.lost(`closed by the server: ${String(code)} ${reason.toString('utf8')}`.trim(), 0);
  });
  return socket;
}
