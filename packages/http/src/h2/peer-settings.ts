/** What the other side has said in SETTINGS (RFC 9113 §6.5.2), with the initial values until then. */
import { FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './error-code.ts';
import * as frames from './frame.ts';
import { H2ConnectionError } from './h2-connection-error.ts';

const SETTING_BYTES = 6;
const FRAME_BYTES_MAX = 0xff_ffff;

export class PeerSettings {
  headerTableByteCountMax = 4096;
  concurrentStreamCountMax = Number.POSITIVE_INFINITY;
  streamWindowByteCount = frames.WINDOW_BYTES_DEFAULT;
  frameByteCountMax = frames.FRAME_BYTES_DEFAULT;
  headerListByteCountMax = Number.POSITIVE_INFINITY;
  /** Whether it takes extended CONNECT (RFC 8441). */
  takesProtocols = false;
  readonly #isServer: boolean;

  /** `isServer`: the other side is the server. */
  constructor(isServer: boolean) {
    this.#isServer = isServer;
  }

  /** Takes the payload of a SETTINGS frame, each setting in its turn. Throws `H2ConnectionError`. */
  read(octets: Uint8Array, start: number, end: number): void {
    if ((end - start) % SETTING_BYTES !== 0) {
      throw new H2ConnectionError(FRAME_SIZE_ERROR, 'SETTINGS is no list of settings');
    }
    for (let at = start; at < end; at += SETTING_BYTES) {
      const identifier = ((octets[at] as number) << 8) | (octets[at + 1] as number);
      this.#take(identifier, frames.readUint32(octets, at + 2));
    }
  }

  #take(identifier: number, value: number): void {
    switch (identifier) {
      case frames.HEADER_TABLE_SIZE:
        this.headerTableByteCountMax = value;
        break;
      case frames.ENABLE_PUSH:
        // Only a client may allow it, and we never push.
        if (value > 1 || (this.#isServer && value === 1)) throw invalid('ENABLE_PUSH');
        break;
      case frames.MAX_CONCURRENT_STREAMS:
        this.concurrentStreamCountMax = value;
        break;
      case frames.INITIAL_WINDOW_SIZE:
        if (value > frames.WINDOW_BYTES_MAX) {
          throw new H2ConnectionError(FLOW_CONTROL_ERROR, 'SETTINGS: the window is too large');
        }
        this.streamWindowByteCount = value;
        break;
      case frames.MAX_FRAME_SIZE:
        if (value < frames.FRAME_BYTES_DEFAULT || value > FRAME_BYTES_MAX) {
          throw invalid('MAX_FRAME_SIZE');
        }
        this.frameByteCountMax = value;
        break;
      case frames.MAX_HEADER_LIST_SIZE:
        this.headerListByteCountMax = value;
        break;
      case frames.ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 §3: once allowed it stays allowed.
        if (value > 1 || (this.takesProtocols && value === 0)) {
          throw invalid('ENABLE_CONNECT_PROTOCOL');
        }
        this.takesProtocols = value === 1;
        break;
      default: // Unknown ones are ignored.
    }
  }
}

function invalid(name: string): H2ConnectionError {
  return new H2ConnectionError(PROTOCOL_ERROR, `SETTINGS: the value of ${name} is not allowed`);
}
