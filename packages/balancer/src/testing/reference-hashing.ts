/** Hashing as its specifications say it, in BigInt, without regard to speed: what ours must equal. */

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const rotated = (value: bigint, by: bigint): bigint => {
  const x = value & MASK;
  return ((x << by) | (x >> (64n - by))) & MASK;
};
const littleEndian = (bytes: readonly number[]): bigint =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const round = (lane: bigint, word: bigint): bigint => (rotated(lane + word * P2, 31n) * P1) & MASK;

export function referenceXxHash64(bytes: Uint8Array, seed: bigint): bigint {
  let rest = Array.from(bytes);
  let hash = (seed + P5) & MASK;
  if (rest.length >= 32) {
    let lanes = [seed + P1 + P2, seed + P2, seed, seed - P1].map((lane) => lane & MASK);
    for (; rest.length >= 32; rest = rest.slice(32)) {
      const stripe = rest;
      lanes = lanes.map((it, lane) =>
        round(it, littleEndian(stripe.slice(lane * 8, lane * 8 + 8))),
      );
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, by, lane) => sum + rotated(lanes[lane] ?? 0n, by), 0n);
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK;
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; rest.length >= 8; rest = rest.slice(8)) {
    hash = (rotated(hash ^ round(0n, littleEndian(rest.slice(0, 8))), 27n) * P1 + P4) & MASK;
  }
  if (rest.length >= 4) {
    hash = (rotated(hash ^ (littleEndian(rest.slice(0, 4)) * P1), 23n) * P2 + P3) & MASK;
    rest = rest.slice(4);
  }
  for (const byte of rest) hash = (rotated(hash ^ (BigInt(byte) * P5), 11n) * P1) & MASK;
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
}

export function referenceMurmurHash2(bytes: Uint8Array): bigint {
  const m = 0xc6a4a7935bd1e995n;
  const mixed = (value: bigint): bigint => value ^ (value >> 47n);
  let rest = Array.from(bytes);
  let hash = 0xc70f6907n ^ ((BigInt(rest.length) * m) & MASK);
  for (; rest.length >= 8; rest = rest.slice(8)) {
    const word = mixed((littleEndian(rest.slice(0, 8)) * m) & MASK);
    hash = ((hash ^ ((word * m) & MASK)) * m) & MASK;
  }
  if (rest.length > 0) hash = ((hash ^ littleEndian(rest)) * m) & MASK;
  return mixed((mixed(hash) * m) & MASK);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Host {
  readonly key: string;
  readonly weight: number;
}

/** Host of each entry, all hosts of weights above 0 in one locality. */
export function referenceMaglev(hosts: readonly Host[], tableSize: number): readonly number[] {
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  const m = BigInt(tableSize);
  const turns = hosts
    .map((host, index) => ({
      index,
      octets: Buffer.from(host.key),
      share: host.weight / total,
      offset: referenceXxHash64(utf8(host.key), 0n) % m,
      skip: (referenceXxHash64(utf8(host.key), 1n) % (m - 1n)) + 1n,
      target: 0,
      next: 0n,
    }))
    .sort((one, other) => Buffer.compare(one.octets, other.octets));
  const shareMax = Math.max(...turns.map((it) => it.share));
  const entries = new Array<number>(tableSize).fill(-1);
  for (let rounds = 1, free = tableSize; ; rounds += 1) {
    for (const turn of turns) {
      if (rounds * turn.share < turn.target) continue;
      turn.target += shareMax;
      const place = (): number => Number((turn.offset + turn.skip * turn.next) % m);
      while (entries[place()] !== -1) turn.next += 1n;
      entries[place()] = turn.index;
      free -= 1;
      if (free === 0) return entries;
    }
  }
}

/** The points of a ring whose size needs no rounding up: hash and host, by hash. */
export function referenceRing(
  hosts: readonly Host[],
  minRingSize: number,
): readonly { readonly hash: bigint; readonly host: number }[] {
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  const shares = hosts.map((host) => host.weight / total);
  const least = Math.min(...shares);
  const scale = Math.min(Math.ceil(least * minRingSize) / least, 8_388_608);
  const points: { readonly hash: bigint; readonly host: number }[] = [];
  let target = 0;
  for (const [host, { key }] of hosts.entries()) {
    target += scale * (shares[host] ?? 0);
    for (let made = 0; points.length < target; made += 1) {
      points.push({ hash: referenceXxHash64(utf8(`${key}_${made}`), 0n), host });
    }
  }
  return points.sort((one, other) => (one.hash < other.hash ? -1 : 1));
}

/** The host of the best score, by the exponent and the mantissa as they lie in memory. */
export function referenceRendezvous(hosts: readonly Host[], key: bigint): number {
  const total = hosts.reduce((sum, host) => sum + host.weight, 0);
  const memory = new DataView(new ArrayBuffer(8));
  const scores = hosts.map((host) => {
    let mixed = key ^ referenceXxHash64(utf8(host.key), 0n);
    mixed ^= mixed >> 12n;
    mixed ^= (mixed << 25n) & MASK;
    mixed ^= mixed >> 27n;
    mixed = (mixed * 2_685_821_657_736_338_717n) & MASK;
    memory.setFloat64(0, Number(mixed & ((1n << 53n) - 1n)) / 2 ** 53);
    const bits = memory.getBigUint64(0);
    const mantissa = bits & ((1n << 52n) - 1n);
    const exponent = mantissa >> 51n === 0n ? 1_023n : 1_022n;
    memory.setBigUint64(0, (exponent << 52n) | mantissa);
    const t = memory.getFloat64(0) - 1;
    const power = Number((bits >> 52n) - exponent);
    const log2 = power + (t * (0.338953 * t + 2.198599)) / (t + 1.523692);
    return -(host.weight / total) / (log2 * 0.6931471805599453);
  });
  return scores.indexOf(Math.max(...scores));
}
