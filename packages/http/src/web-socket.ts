/**
 * What the handshake of WebSocket has beyond any upgrade: over HTTP/1.1 a key, and an answer that
 * proves that it was read (RFC 6455 §4); over HTTP/2 neither (RFC 8441 §5). Where the two ends speak
 * different versions, a proxy makes the key for the one and the proof for the other.
 */
import type { Rng } from '@leno/std';
import { sha1 } from './sha1.ts';

/** The token of `Upgrade` and of `:protocol`. */
export const WEB_SOCKET = 'websocket';
export const KEY_FIELD = 'sec-websocket-key';
export const ACCEPT_FIELD = 'sec-websocket-accept';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY_BYTES = 16;
/** 16 octets in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

export function isWebSocketKey(text: string | undefined): text is string {
  return text !== undefined && KEY.test(text);
}

/** A key that was not used before. It is no secret: it keeps replies of before from being believed. */
export function newWebSocketKey(rng: Rng): string {
  return Buffer.from(Array.from({ length: KEY_BYTES }, () => Math.floor(rng() * 256))).toString(
    'base64',
  );
}

/** The value of `Sec-WebSocket-Accept` that answers `key`. */
export function webSocketAccept(key: string): string {
  return Buffer.from(sha1(Buffer.from(key + GUID, 'latin1'))).toString('base64');
}
