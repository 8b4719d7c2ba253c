/** Error codes of RST_STREAM and GOAWAY (RFC 9113 §7). */
export const NO_ERROR = 0x0;
export const PROTOCOL_ERROR = 0x1;
export const INTERNAL_ERROR = 0x2;
export const FLOW_CONTROL_ERROR = 0x3;
export const SETTINGS_TIMEOUT = 0x4;
export const STREAM_CLOSED = 0x5;
export const FRAME_SIZE_ERROR = 0x6;
export const REFUSED_STREAM = 0x7;
export const CANCEL = 0x8;
export const COMPRESSION_ERROR = 0x9;
/** The tunnel of a CONNECT was reset, or closed before its end (RFC 9113 §8.5). */
export const CONNECT_ERROR = 0xa;
export const ENHANCE_YOUR_CALM = 0xb;
