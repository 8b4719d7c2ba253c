/** Names by DNS alone: what is in the hosts file of this machine is its inside. */
import { Resolver as Dns } from 'node:dns';
import type { Resolved, Resolver } from '../egress/egress.ts';

const TIMEOUT_MS = 1_000;
const TRY_COUNT = 2;
/** Answers of DNS that there is no such name, or no address of that kind. */
const NOTHING = new Set(['ENOTFOUND', 'ENODATA']);

interface Found {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/** Asks `servers` (`address` or `address:port`), or those of the system if there are none. */
export class DnsResolver implements Resolver {
  readonly #dns = new Dns({ timeout: TIMEOUT_MS, tries: TRY_COUNT });

  constructor(servers: readonly string[]) {
    if (servers.length > 0) this.#dns.setServers(servers);
  }

  resolve(host: string, done: (resolved: Resolved) => void): void {
    const found: Found[] = [];
    let why = '';
    let pendingCount = 2;
    const take = (error: NodeJS.ErrnoException | null, records?: readonly Found[]): void => {
      pendingCount -= 1;
      found.push(...(records ?? []));
      if (error !== null && !NOTHING.has(error.code ?? '')) why = error.message;
      if (pendingCount > 0) return;
      // Half an answer is none: the other half might be what has to be refused.
      if (why !== '') done({ kind: 'failed', why: `${host} cannot be resolved: ${why}` });
      else if (found.length === 0) done({ kind: 'failed', why: `there is no ${host}` });
      else done(answerOf(found));
    };
    this.#dns.resolve4(host, { ttl: true }, take);
    this.#dns.resolve6(host, { ttl: true }, take);
  }
}

function answerOf(found: readonly Found[]): Resolved {
  const addresses = [...new Set(found.map(({ address }) => address))];
  const ttlMs = 1_000 * Math.min(...found.map(({ ttl }) => ttl));
  return { kind: 'addresses', addresses, ttlMs };
}
