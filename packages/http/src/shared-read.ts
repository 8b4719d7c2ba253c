/**
 * Reads of all sockets into one buffer. By `data` events each read makes a buffer of 64 KiB that the
 * collector has to find again; that costs a small request 14 % and a large body more than its bytes.
 *
 * `net.Socket` has this as `onread`, for sockets that it connects. For those that were accepted, by
 * TLS too, the same three fields are set here; where they are not to be found, as in another version
 * of the runtime, nothing is changed and reads come as `data`.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Takes what was read, for the length of the call. */
export type ReadCallback = (chunk: Buffer) => void;

/** A reply of 64 KiB and its head come in one read. */
const READ_BYTES = 128 * 1024;
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
/** The last piece of it: many reads have the same length. */
let view = shared;

interface Fields {
  readonly buffer: symbol;
  readonly callback: symbol;
}

const fields = findFields();

/** Whether reads can go to the shared buffer. */
export function canShareReads(): boolean {
  return fields !== undefined;
}

/**
 * From now on what `socket` reads is told to `read`, which must not keep it. False if that cannot be
 * done: then nothing was changed. A socket that has read something already is such a one.
 */
export function shareReads(socket: Duplex, read: ReadCallback): boolean {
  if (fields === undefined || socket.readableLength > 0) return false;
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  if (!takesBuffer(handle)) return false;
  const own = socket as unknown as Record<symbol, unknown>;
  own[fields.buffer] = shared;
  own[fields.callback] = (byteCount: number): boolean => {
    if (view.length !== byteCount) view = shared.subarray(0, byteCount);
    read(view);
    return true;
  };
  handle.useUserBuffer(shared);
  return true;
}

/** From now on what `socket` reads comes as it would have without `shareReads`: as `data`. */
export function stopSharing(socket: Duplex): void {
  const own = socket as unknown as Record<symbol, unknown>;
  if (fields === undefined || own[fields.buffer] !== shared) return;
  // The buffer cannot be taken back from the system's side of a socket, but it is free after a copy.
  own[fields.callback] = (byteCount: number): boolean =>
    socket.push(Buffer.from(shared.subarray(0, byteCount)));
}

interface Handle {
  useUserBuffer(buffer: Uint8Array): void;
}

function takesBuffer(handle: unknown): handle is Handle {
  return (
    typeof handle === 'object' &&
    handle !== null &&
    'useUserBuffer' in handle &&
    typeof handle.useUserBuffer === 'function'
  );
}

/** Where a socket keeps its `onread`: looked up on one that has it, by what is found there. */
function findFields(): Fields | undefined {
  const callback = (): boolean => true;
  const probe = new Socket({ onread: { buffer: shared, callback } });
  const own = probe as unknown as Record<symbol, unknown>;
  const symbols = Object.getOwnPropertySymbols(probe);
  const buffers = symbols.filter((it) => own[it] === shared);
  const callbacks = symbols.filter((it) => own[it] === callback);
  probe.destroy();
  const [buffer] = buffers;
  const [found] = callbacks;
  const isSure = buffers.length === 1 && callbacks.length === 1;
  return isSure && buffer !== undefined && found !== undefined
    ? { buffer, callback: found }
    : undefined;
}
