import type { IncomingHttpHeaders } from 'node:http';

/** A request as a role sees it. */
export interface AppRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a role answers. */
export interface AppReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with `content-type` from the headers; HTML if there is none. */
  readonly text?: string;
}

/** One thing a role can do. */
export interface Route {
  readonly method: string;
  /** Segments; one that begins with `:` is a parameter. */
  readonly path: string;
  handle(request: AppRequest): AppReply | Promise<AppReply>;
}

/** The route of a request and the parameters in its path. */
export interface RouteHit {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** The first route that fits. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteHit | undefined {
  for (const route of routes) {
    const params = route.method === method ? matchPath(route.path, path) : undefined;
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const actual = given[index] ?? '';
    if (segment.startsWith(':')) {
      if (actual === '') return undefined;
      params[segment.slice(1)] = safeDecode(actual);
    } else if (segment !== actual) return undefined;
  }
  return params;
}

function safeDecode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
