/**
 * The shell around a role: a plain node:http server with counts, knobs and health. `/__demo/*` and
 * `/healthz` are the shell's own, are never counted, and are never touched by a knob.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Clock, messageOf, type Rng } from '@leno/std';
import * as z from 'zod';
import { Caller, ServiceFailedError } from './call.ts';
import { Counts } from './counts.ts';
import { KnobSettings, Knobs } from './knobs.ts';
import { type AppReply, findRoute, type Route } from './router.ts';

const bodyBytesMax = 65_536;
const hangPollMs = 50;

/** What a role is built with. */
export interface AppContext {
  readonly role: string;
  readonly version: string;
  readonly caller: Caller;
  readonly counts: Counts;
  readonly rng: Rng;
}

/** A role: its name and what it can do. */
export interface Role {
  readonly name: string;
  routes(context: AppContext): readonly Route[];
}

/** What an app takes from outside. */
export interface AppOptions {
  readonly role: Role;
  readonly version: string;
  /** Where services are that are not to be found under their names. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** A role, ready to be listened with. */
export interface App {
  readonly server: Server;
  readonly context: AppContext;
  readonly knobs: Knobs;
}

/** Builds the server of a role; the caller listens and closes. */
export function createApp(options: AppOptions): App {
  const { role, version, clock, rng } = options;
  const counts = new Counts(role.name, version);
  const knobs = new Knobs();
  const caller = new Caller(role.name, counts, options.addresses);
  const context: AppContext = { role: role.name, version, caller, counts, rng };
  const shell = new Shell({ routes: role.routes(context), context, knobs, clock });
  const server = createServer((request, response) => void shell.handle(request, response));
  // Longer than anybody in front keeps an idle connection, so that it is never closed under a request.
  server.keepAliveTimeout = 75_000;
  return { server, context, knobs };
}

interface ShellParts {
  readonly routes: readonly Route[];
  readonly context: AppContext;
  readonly knobs: Knobs;
  readonly clock: Clock;
}

class Shell {
  readonly #parts: ShellParts;

  constructor(parts: ShellParts) {
    this.#parts = parts;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://app');
    try {
      const body = await readBody(request);
      const own = this.#control(request, url, body);
      if (own !== undefined) this.#send(response, own);
      else await this.#serve(request, response, { url, body });
    } catch {
      // The caller went away, or sent too much: there is nobody to answer.
      response.destroy();
    }
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    { url, body }: { readonly url: URL; readonly body: string },
  ): Promise<void> {
    const { routes, context } = this.#parts;
    const method = request.method ?? 'GET';
    const hit = findRoute(routes, method, url.pathname);
    const name = hit === undefined ? 'no route' : `${method} ${hit.route.path}`;
    context.counts.received(
      name,
      header(request, 'x-request-id'),
      header(request, 'x-demo-caller') ?? 'outside',
    );
    let isAnswered = false;
    response.once('close', () => {
      context.counts.replied(isAnswered ? response.statusCode : 0);
    });
    const failure = await this.#sufferKnobs(response);
    let reply = failure;
    if (reply === undefined) {
      const { params = {} } = hit ?? {};
      const path = url.pathname;
      const asked = {
        method,
        path,
        params,
        query: url.searchParams,
        headers: request.headers,
        body,
      };
      reply = hit === undefined ? notFound : await answer(() => hit.route.handle(asked));
    }
    isAnswered = !response.destroyed;
    this.#send(response, reply);
  }

  /** Delays, hangs or fails a request as the knobs say. */
  async #sufferKnobs(response: ServerResponse): Promise<AppReply | undefined> {
    const { knobs, clock, context } = this.#parts;
    const fault = knobs.fault(clock.nowMs(), context.rng);
    if (fault.delayMs > 0) await sleep(fault.delayMs);
    while (fault.hangs && !response.destroyed && knobs.at(clock.nowMs())?.hang === true) {
      await sleep(hangPollMs);
    }
    return fault.fails ? { status: 500, json: { error: 'a knob says so' } } : undefined;
  }

  /** Health, counts and knobs; undefined if it is for the role to answer. */
  #control(request: IncomingMessage, url: URL, body: string): AppReply | undefined {
    const { knobs, clock, context } = this.#parts;
    if (url.pathname === '/healthz') return { status: 200, json: { ok: true } };
    if (!url.pathname.startsWith('/__demo/')) return undefined;
    const asked = `${request.method} ${url.pathname}`;
    if (asked === 'GET /__demo/counts') return { status: 200, json: context.counts.snapshot() };
    if (asked === 'DELETE /__demo/knobs') knobs.clear();
    else if (asked === 'POST /__demo/knobs') {
      const settings = KnobSettings.safeParse(parseJson(body));
      if (!settings.success) {
        return { status: 400, json: { error: z.prettifyError(settings.error) } };
      }
      knobs.set(settings.data, clock.nowMs());
    } else if (asked !== 'GET /__demo/knobs') return notFound;
    return { status: 200, json: { knobs: knobs.at(clock.nowMs()) ?? null } };
  }

  #send(response: ServerResponse, reply: AppReply): void {
    const { role, version } = this.#parts.context;
    const isJson = reply.text === undefined;
    const body = reply.text ?? JSON.stringify(reply.json ?? {});
    response.writeHead(reply.status, {
      'content-type': isJson ? 'application/json' : 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-demo-role': role,
      'x-demo-version': version,
      ...reply.headers,
    });
    response.end(body);
  }
}

const notFound: AppReply = { status: 404, json: { error: 'there is no such page' } };

/** A service that failed makes a 502 here; a bug makes a 500. */
async function answer(handle: () => AppReply | Promise<AppReply>): Promise<AppReply> {
  try {
    return await handle();
  } catch (thrown) {
    const status = thrown instanceof ServiceFailedError ? 502 : 500;
    return { status, json: { error: messageOf(thrown) } };
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function parseJson(body: string): unknown {
  try {
    return body === '' ? {} : (JSON.parse(body) as unknown);
  } catch {
    return undefined;
  }
}

/** The whole body as text; rejects above 64 KiB or if the caller goes away. */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      body += piece;
      if (body.length > bodyBytesMax) reject(new Error('the request is too large'));
    });
    request.on('end', () => resolve(body));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the caller is gone')));
  });
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
