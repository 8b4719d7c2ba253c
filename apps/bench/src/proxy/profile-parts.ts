/** Where a sample of a profile belongs, and what `strace -c` has counted. */

/** What a proxy's time goes into. */
export const profileParts = [
  'system calls',
  'TLS',
  'HTTP codecs and connections',
  'mesh work',
  'JavaScript of Node',
  'native code of Node and V8',
  'garbage collection',
] as const;

export type ProfilePart = (typeof profileParts)[number];

/** One line of `perf script -F ip,sym,dso`. */
export interface Sample {
  readonly symbol: string;
  readonly object: string;
}

/** Reads the lines; what is no sample is left out. */
export function parseSamples(text: string): readonly Sample[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*[0-9a-f]+ (.+) \((.+)\)\s*$/.exec(line);
    return found === null ? [] : [{ symbol: found[1] ?? '', object: found[2] ?? '' }];
  });
}

// V8 names the code that it has made by kind, function and place: `JS:*call file:///…/call.ts:1:2`.
const compiled = 'JS:';
const tls =
  /^_?(aes|ossl|openssl|ssl|tls|evp|crypto_|bio_|err_|gcm|ghash|sha\d|rsaz|ecp|bn_|asn1|x509|chacha|poly1305|cipher|rand_|wpacket|packet_)|node::crypto|openssl|get_cipher|do_ssl|rlayer|cast_record|ncrypto/i;
const collection =
  /Scaveng|MarkCompact|Sweep|Marking|Evacuat|GarbageCollect|v8::internal::(Heap|GC|Young|LocalHeap|MemoryAllocator|ConcurrentMark)|WriteBarrier|heap::base/;

/** The part that a sample belongs to. */
export function partOf({ symbol, object }: Sample): ProfilePart {
  if (object.startsWith('[kernel') || object.startsWith('[guest') || object === '[vdso]') {
    return 'system calls';
  }
  if (symbol.startsWith(compiled)) return partOfScript(symbol);
  if (tls.test(symbol)) return 'TLS';
  if (collection.test(symbol)) return 'garbage collection';
  return 'native code of Node and V8';
}

function partOfScript(symbol: string): ProfilePart {
  if (symbol.includes('/packages/http/')) return 'HTTP codecs and connections';
  return /\/(packages|apps)\//.test(symbol) ? 'mesh work' : 'JavaScript of Node';
}

/** The share of each part, the largest first. */
export function sharesOf(samples: readonly Sample[]): readonly (readonly [ProfilePart, number])[] {
  const counts = new Map<ProfilePart, number>(profileParts.map((part) => [part, 0]));
  for (const sample of samples) {
    const part = partOf(sample);
    counts.set(part, (counts.get(part) ?? 0) + 1);
  }
  const all = Math.max(1, samples.length);
  return [...counts]
    .map(([part, count]) => [part, count / all] as const)
    .toSorted(([, one], [, other]) => other - one);
}

/** The symbols that were met most often, with their shares; paths are cut down to the file. */
export function topSymbols(
  samples: readonly Sample[],
  count: number,
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { symbol } of samples) {
    const name = symbol.replace(/(file:\/\/)?\/\S*\/(?=[^/]+$)/, '').slice(0, 90);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(([name, met]) => [name, met / samples.length] as const);
}

/** Reads the table of `strace -c`: how often each call was made. */
export function parseSystemCalls(text: string): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/.exec(line);
    if (found !== null && found[2] !== 'total') calls.set(found[2] ?? '', Number(found[1]));
  }
  return calls;
}
