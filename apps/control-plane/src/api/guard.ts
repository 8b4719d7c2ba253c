/**
 * Who may call the API. Three walls, each for an attack of its own: the `Host` must be one of ours
 * (DNS rebinding), an `Origin` must be ours too (a page elsewhere), and whoever changes something
 * shows the token, which no browser adds by itself (CSRF). Reading is free from this machine only.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiProblem } from './problem.ts';

/** What the guard goes by. */
export interface GuardOptions {
  readonly token: string;
  /** Host names beside the loopback ones, in lower case. */
  readonly hosts: readonly string[];
  readonly read: 'loopback' | 'open';
}

/** What is known of a request before anything of it is looked at. */
export interface Visitor {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** The address of the other side; undefined within the process. */
  readonly remoteAddress: string | undefined;
}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

/** See the head of this file. Methods return in peace or throw `ApiProblem`. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #tokenDigest: Buffer;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#tokenDigest = digest(options.token);
  }

  /** For every request. */
  admit({ host, origin }: Visitor): void {
    if (!this.#isOurs(hostName(host ?? ''))) {
      const detail = `this is not ${host ?? 'without a Host'}; names that are served are set by LENO_API_HOSTS`;
      throw new ApiProblem(421, { code: 'LENO_API_HOST', detail });
    }
    if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return;
    const detail = 'a page of another origin has no business here';
    throw new ApiProblem(403, { code: 'LENO_API_ORIGIN', detail });
  }

  /** For what only reads. */
  admitReader(visitor: Visitor): void {
    const { remoteAddress = '127.0.0.1' } = visitor;
    if (this.#options.read === 'open' || isLoopback(remoteAddress)) return;
    if (this.#isToken(visitor.authorization)) return;
    const detail = 'from another machine, reading needs the token, or LENO_API_READ=open';
    throw new ApiProblem(403, { code: 'LENO_API_READ', detail });
  }

  /** For what changes something. */
  admitWriter({ authorization }: Visitor): void {
    if (this.#isToken(authorization)) return;
    const what = authorization === undefined ? 'no token' : 'another token';
    const detail = `${what}: send "Authorization: Bearer …" with the content of LENO_API_TOKEN_FILE`;
    throw new ApiProblem(401, { code: 'LENO_API_TOKEN', detail });
  }

  #isOurs(name: string): boolean {
    return loopbackHosts.includes(name) || this.#options.hosts.includes(name);
  }

  #isToken(authorization: string | undefined): boolean {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    return token !== undefined && timingSafeEqual(digest(token), this.#tokenDigest);
  }
}

/** The name in a `Host` field, in lower case, without the port. */
function hostName(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, '');
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
