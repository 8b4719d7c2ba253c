/**
 * A 32-bit hash of a text by its UTF-16 units, from 0 to 2³² - 1: FNV-1a, finished as MurmurHash3
 * is, so that every bit of the text moves every bit of the hash. For places, not for secrets.
 */
export function textHash32(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let place = 0; place < text.length; place += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
