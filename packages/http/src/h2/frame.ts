/** Types and flags of frames, and identifiers of settings (RFC 9113 §6, RFC 8441 §3). */
export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const HAS_PRIORITY = 0x20;

export const HEADER_TABLE_SIZE = 0x1;
export const ENABLE_PUSH = 0x2;
export const MAX_CONCURRENT_STREAMS = 0x3;
export const INITIAL_WINDOW_SIZE = 0x4;
export const MAX_FRAME_SIZE = 0x5;
export const MAX_HEADER_LIST_SIZE = 0x6;
export const ENABLE_CONNECT_PROTOCOL = 0x8;

export const FRAME_HEAD_BYTES = 9;
/** Of a payload, until a setting says more. */
export const FRAME_BYTES_DEFAULT = 16_384;
/** Of a flow-control window, until a setting says otherwise. */
export const WINDOW_BYTES_DEFAULT = 65_535;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
export const STREAM_ID_MAX = 0x7fff_ffff;

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** The 32-bit number at `at`. */
export function readUint32(octets: Uint8Array, at: number): number {
  return (readUint31(octets, at) | ((octets[at] as number) & 0x80 ? 0x8000_0000 : 0)) >>> 0;
}

/** The 31-bit number at `at`; the reserved bit before it is ignored. */
export function readUint31(octets: Uint8Array, at: number): number {
  return (
    (((octets[at] as number) & 0x7f) << 24) |
    ((octets[at + 1] as number) << 16) |
    ((octets[at + 2] as number) << 8) |
    (octets[at + 3] as number)
  );
}
