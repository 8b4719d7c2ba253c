/**
 * The way out to what is not in the mesh, where `MeshConfig.egress` opens it. Judged by the address and
 * not by the name, on every resolution; the address that was judged is the one that is dialled, and if one
 * address of a name is somebody's inside, the name is refused (rebinding, RFC 6890). Names that are
 * addresses in other spellings are no names.
 */
import { isWithin, parseAddress, parseRange } from '@leno/authz';
import type { EndpointBody } from '@leno/config';
import type { Clock } from '@leno/std';
import type { Call } from '../call.ts';
import { hostOf, portOf } from '../target.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { isPublicAddress } from './public-address.ts';

/** What a name stands for; no address if it does not exist. */
export type Resolved =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly why: string };

/** Asks for the addresses of a name, IPv4 and IPv6. Calls `done` once, later, and within a bounded time. */
export interface Resolver {
  resolve(host: string, done: (resolved: Resolved) => void): void;
}

/** What the way out is made of. */
export interface EgressPorts {
  readonly resolver: Resolver;
  /** Whether an address may be dialled. Default: `isPublicAddress`; for tests of what is let out. */
  readonly isLetOut?: (address: string) => boolean;
  /** Addresses of this machine, which are not let out even where they are public. Default none. */
  readonly ownAddresses?: readonly string[];
}

/** Destinations that are held at once; the longest unused makes way, one in use does not. */
export const DESTINATION_COUNT_MAX = 256;
/** Calls that wait for an answer of the resolver at once. */
export const WAITING_COUNT_MAX = 1_024;
/** Answers of the resolver that are kept at once. */
export const ANSWER_COUNT_MAX = 1_024;
const TTL_MIN_MS = 1_000;
const TTL_MAX_MS = 60_000;

interface Destination {
  readonly host: string;
  readonly port: number;
}

interface Answer {
  readonly addresses: readonly string[];
  readonly untilMs: number;
}

type Onward = (call: Call) => void;

export class Egress {
  /** Destinations that had to make way for others. */
  evictedCount = 0;
  /** Calls that were refused because `DESTINATION_COUNT_MAX` were in use. */
  overflowCount = 0;
  /** Calls that were refused because `WAITING_COUNT_MAX` waited for the resolver. */
  waitingOverflowCount = 0;
  /** How often all answers were forgotten because there were `ANSWER_COUNT_MAX`. */
  forgottenCount = 0;
  readonly #ports: EgressPorts;
  readonly #isLetOut: (address: string) => boolean;
  readonly #clock: Clock;
  readonly #newCluster: () => Cluster;
  readonly #clusters = new Map<string, Cluster>();
  readonly #answers = new Map<string, Answer>();
  readonly #waiting = new Map<string, ((resolved: Resolved) => void)[]>();
  #waitingCount = 0;

  constructor(ports: EgressPorts, clock: Clock, newCluster: () => Cluster) {
    this.#ports = ports;
    const own = (ports.ownAddresses ?? []).flatMap((it) => parseRange(it) ?? []);
    const isLetOut = ports.isLetOut ?? isPublicAddress;
    this.#isLetOut = (text) => {
      const address = parseAddress(text);
      const isOwn = address !== undefined && own.some((range) => isWithin(address, range));
      return !isOwn && isLetOut(text);
    };
    this.#clock = clock;
    this.#newCluster = newCluster;
  }

  get destinationCount(): number {
    return this.#clusters.size;
  }

  /** Gives the call a cluster and calls `onward`, now or later; or ends it. */
  open(call: Call, authority: string, onward: Onward): void {
    const destination = destinationOf(authority);
    const { host } = destination;
    if (parseAddress(host) !== undefined) {
      this.#judged(call, destination, [host], onward);
      return;
    }
    const why = whyNoName(host);
    if (why !== undefined) {
      call.fail('denied', `${host} is not let out: ${why}`);
      return;
    }
    const known = this.#answers.get(host);
    if (known !== undefined && this.#clock.nowMs() < known.untilMs) {
      this.#judged(call, destination, known.addresses, onward);
      return;
    }
    this.#ask(call, destination, onward);
  }

  /** Lets go of all connections. */
  close(nowMs: number): void {
    for (const cluster of this.#clusters.values()) cluster.close(nowMs);
    this.#clusters.clear();
  }

  #ask(call: Call, destination: Destination, onward: Onward): void {
    if (this.#waitingCount >= WAITING_COUNT_MAX) {
      this.waitingOverflowCount += 1;
      call.fail('overflow', `${WAITING_COUNT_MAX} calls wait for the resolver`);
      return;
    }
    const { host } = destination;
    const waiting = this.#waiting.get(host);
    const take = (resolved: Resolved): void => {
      this.#waitingCount -= 1;
      if (call.ended) return;
      try {
        this.#resolved(call, destination, resolved, onward);
      } catch (thrown) {
        call.crashed(thrown);
      }
    };
    this.#waitingCount += 1;
    if (waiting !== undefined) {
      waiting.push(take);
      return;
    }
    this.#waiting.set(host, [take]);
    this.#ports.resolver.resolve(host, (resolved) => {
      this.#remember(host, resolved);
      const all = this.#waiting.get(host) ?? [];
      this.#waiting.delete(host);
      for (const one of all) one(resolved);
    });
  }

  #remember(host: string, resolved: Resolved): void {
    if (resolved.kind === 'failed') return;
    const { addresses, ttlMs } = resolved;
    if (this.#answers.size >= ANSWER_COUNT_MAX) {
      this.#answers.clear();
      this.forgottenCount += 1;
    }
    const keepMs = Math.min(Math.max(ttlMs, TTL_MIN_MS), TTL_MAX_MS);
    this.#answers.set(host, { addresses, untilMs: this.#clock.nowMs() + keepMs });
  }

  #resolved(call: Call, destination: Destination, resolved: Resolved, onward: Onward): void {
    if (resolved.kind === 'failed') call.fail('no-endpoint', resolved.why);
    else this.#judged(call, destination, resolved.addresses, onward);
  }

  #judged(
    call: Call,
    destination: Destination,
    addresses: readonly string[],
    onward: Onward,
  ): void {
    const { host } = destination;
    const inside = addresses.find((address) => !this.#isLetOut(address));
    if (inside !== undefined) {
      call.fail(
        'denied',
        `${host} is not let out: ${inside} is no public address, or one of this machine`,
      );
      return;
    }
    const cluster = this.#clusterOf(destination);
    if (cluster === undefined) {
      this.overflowCount += 1;
      call.fail('overflow', `${DESTINATION_COUNT_MAX} destinations outside are in use`);
      return;
    }
    cluster.setEndpoints(
      addresses.map((address) => endpointOf(address, destination.port)),
      this.#clock.nowMs(),
    );
    call.cluster = cluster;
    onward(call);
  }

  /** The newest stand last. */
  #clusterOf({ host, port }: Destination): Cluster | undefined {
    const key = `${host} ${port}`;
    const known = this.#clusters.get(key);
    if (known === undefined && !this.#makeRoom()) return undefined;
    const cluster = known ?? this.#newCluster();
    this.#clusters.delete(key);
    this.#clusters.set(key, cluster);
    return cluster;
  }

  #makeRoom(): boolean {
    if (this.#clusters.size < DESTINATION_COUNT_MAX) return true;
    for (const [key, cluster] of this.#clusters) {
      if (cluster.activeCount > 0) continue;
      cluster.close(this.#clock.nowMs());
      this.#clusters.delete(key);
      this.evictedCount += 1;
      return true;
    }
    return false;
  }
}

const HTTP_PORT = 80;

/** `authority` is one that the codec has taken: a host with at most a port. */
function destinationOf(authority: string): Destination {
  const host = hostOf(authority).replace(/^\[|\]$/g, '');
  return { host, port: portOf(authority) ?? HTTP_PORT };
}

/** Resolvers take numbers in any base for addresses, and localhost for this machine (RFC 6761 §6.3). */
function whyNoName(host: string): string | undefined {
  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  if (last === 'localhost') return 'it is this machine';
  if (/^(\d+|0x[0-9a-f]*)$/.test(last)) return 'it is an address in another spelling';
  const isName = host.length <= 253 && labels.every((it) => it !== '' && it.length <= 63);
  return isName ? undefined : 'it is no name';
}

function endpointOf(address: string, port: number): EndpointBody {
  return {
    id: address,
    address,
    port,
    weight: 1,
    health: 'ready',
    transport: 'plain',
    labels: {},
  };
}
