/**
 * An application's own view of the mesh: ordinary requests through a sidecar's outbound listener,
 * counted. The load is open-loop: requests leave on time, whatever became of those before.
 */
import { Agent, request } from 'node:http';

/** One reply, or why there was none. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly atMs: number;
  readonly tookMs: number;
  readonly error?: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class MeshClient {
  readonly #outbound: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** Connections to the sidecar that ended although nobody here ended them. */
  closedCount = 0;

  /** `outbound` is `host:port` of a sidecar. */
  constructor(outbound: string) {
    this.#outbound = new URL(`http://${outbound}`);
  }

  /** Sends one request to `host`; never rejects. */
  send(host: string, options: RequestOptions = {}): Promise<Reply> {
    const startedAtMs = performance.now();
    return new Promise((resolve) => {
      const end = (status: number, rest: Partial<Reply>): void =>
        resolve({
          status,
          headers: {},
          body: '',
          atMs: startedAtMs,
          tookMs: performance.now() - startedAtMs,
          ...rest,
        });
      const outgoing = request(
        {
          host: this.#outbound.hostname,
          port: this.#outbound.port,
          agent: this.#agent,
          method: options.method ?? 'GET',
          path: options.path ?? '/',
          headers: { host, ...options.headers },
        },
        (incoming) => {
          let body = '';
          incoming.setEncoding('utf8');
          incoming.on('data', (chunk: string) => {
            body += chunk;
          });
          incoming.on('error', (error) => end(0, { error: error.message }));
          incoming.on('end', () => {
            end(incoming.statusCode ?? 0, { headers: incoming.headers, body });
          });
        },
      );
      outgoing.on('socket', (socket) => {
        if (socket.listenerCount('close', this.#countClose) === 0) {
          socket.on('close', this.#countClose);
        }
      });
      outgoing.on('error', (error) => end(0, { error: error.message }));
      outgoing.end(options.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  readonly #countClose = (): void => {
    this.closedCount += 1;
  };
}

/** A load under way. */
export interface Load {
  readonly replies: readonly Reply[];
  /** Ends it and waits for what is still out. */
  stop(): Promise<readonly Reply[]>;
}

/** Sends `perSecond` requests a second, at most for two minutes, until stopped. */
export function startLoad(
  client: MeshClient,
  host: string,
  options: { readonly perSecond: number; readonly requests?: (index: number) => RequestOptions },
): Load {
  const replies: Reply[] = [];
  const out = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs > 120_000) clearInterval(timer);
    const due = Math.floor((elapsedMs / 1_000) * options.perSecond);
    for (; sent < due; sent += 1) {
      const one = client.send(host, options.requests?.(sent)).then((reply) => {
        replies.push(reply);
        out.delete(one);
      });
      out.add(one);
    }
  }, 5);
  return {
    replies,
    async stop() {
      clearInterval(timer);
      await Promise.all(out);
      return replies;
    },
  };
}

/** How many replies there were of each status. */
export function byStatus(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The replies that are not what a healthy service gives. */
export function failures(replies: readonly Reply[]): readonly Reply[] {
  return replies.filter(({ status }) => status < 200 || status >= 400);
}
