/** xxhash-wasm 1.1: xxHash in WebAssembly, from a string. */
import type { Run } from '../../harness/group.ts';
import { KEY_MASK, keys } from '../hosts.ts';

/** xxHash64 of a key of 24 characters, as the BigInt that it gives. */
export async function xxhashWasm64(): Promise<Run> {
  const api = await (await import('xxhash-wasm')).default();
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0n;
      for (let index = 0; index < count; index += 1) sum ^= api.h64(keys[index & KEY_MASK] ?? '');
      return Number(sum & 1023n);
    },
  };
}

/** xxHash32 of the same. */
export async function xxhashWasm32(): Promise<Run> {
  const api = await (await import('xxhash-wasm')).default();
  return {
    kind: 'sync',
    run: (count) => {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum ^= api.h32(keys[index & KEY_MASK] ?? '');
      return sum;
    },
  };
}
