/**
 * Answers upgrade requests (push protocol R9): who is refused gets a plain HTTP answer before there
 * is a WebSocket. Rate and count come first, since they cost nothing; then who it is.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { subprotocol } from '../messages/codec.ts';
import { type TokenBucket, takeToken } from '../token-bucket.ts';
import type { Caller, PushServerOptions, UpgradeInfo } from './server-options.ts';

/** Why an upgrade was refused; the names are those of the counters. */
export type Refused = 'refusedRate' | 'refusedFull' | 'refusedAuth' | 'refusedRequest';

/** A refusal as it is answered. */
export interface HttpRefusal {
  readonly counter: Refused;
  readonly status: 400 | 401 | 403 | 404 | 429 | 503;
  readonly retryAfterS?: number;
}

const statusTexts = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
} as const;

/** Lets upgrades in at a rate: as many per second as said, and as many again in a burst. */
export class AdmissionRate {
  readonly #perSecond: number;
  #bucket: TokenBucket;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#bucket = { tokens: 2 * perSecond, atMs: nowMs };
  }

  admits(nowMs: number): boolean {
    const rate = { perSecond: this.#perSecond, burst: 2 * this.#perSecond };
    const next = takeToken(this.#bucket, rate, nowMs);
    if (next !== undefined) this.#bucket = next;
    return next !== undefined;
  }
}

/** What is wrong with the request itself; undefined if nothing is. Browsers have no business here. */
export function requestFault(request: IncomingMessage, path: string): HttpRefusal | undefined {
  const counter = 'refusedRequest';
  if (pathOf(request) !== path) return { counter, status: 404 };
  if (request.headers.origin !== undefined) return { counter, status: 403 };
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
  if (!offered.some((it) => it.trim() === subprotocol)) return { counter, status: 400 };
  return undefined;
}

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

/**
 * Who the caller is. A certificate that TLS could not verify is refused whatever the owner would
 * say; a token counts only without a certificate.
 */
export async function identify(
  request: IncomingMessage,
  owner: Pick<PushServerOptions, 'authenticate'>,
): Promise<Caller | undefined> {
  const { socket } = request;
  if (!(socket instanceof TLSSocket)) return undefined;
  const remoteAddress = socket.remoteAddress ?? '';
  // The types know no absence, but a caller without certificate has an empty object.
  const peer: { readonly raw?: Uint8Array } = socket.getPeerCertificate();
  let upgrade: UpgradeInfo = { remoteAddress };
  if (peer.raw === undefined) {
    const token = /^Join ([\x21-\x7e]{1,1024})$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    upgrade = { remoteAddress, token };
  } else {
    if (!socket.authorized) return undefined;
    upgrade = { remoteAddress, peerDer: peer.raw };
  }
  const verdict = await owner.authenticate(upgrade);
  if (!verdict.ok) return undefined;
  // A token never makes a member, whatever the owner said.
  return upgrade.token !== undefined && verdict.value.kind !== 'joining'
    ? undefined
    : verdict.value;
}

/** Answers and ends the connection. */
export function refuseUpgrade(socket: Duplex, refusal: HttpRefusal): void {
  const { status, retryAfterS } = refusal;
  const retry = retryAfterS === undefined ? '' : `Retry-After: ${String(retryAfterS)}\r\n`;
  const line = `HTTP/1.1 ${String(status)} ${statusTexts[status]}\r\n`;
  socket.end(`${line}${retry}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
