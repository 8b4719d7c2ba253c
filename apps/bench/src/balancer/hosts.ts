/** What is balanced over, and the keys that are hashed. */

/** Addresses such as a cluster has: `10.0.3.231:8080`. */
export function hostNames(hostCount: number): readonly string[] {
  return Array.from(
    { length: hostCount },
    (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}:8080`,
  );
}

const KEY_COUNT = 1_024;

/** Different keys of 24 characters, as many as a power of two, so that an index is masked. */
export const keys: readonly string[] = Array.from({ length: KEY_COUNT }, (_, index) =>
  `user-${(index * 2_654_435_761) % 4_294_967_296}-`.padEnd(24, 'session-token'),
);

/** Masks an index into `keys`. */
export const KEY_MASK = KEY_COUNT - 1;
