/** What people and programs look at: status, proxies, topology, events. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiEnv, ApiParts } from './api-context.ts';
import { EventsSchema, ProxiesSchema, StatusSchema, TopologySchema } from './schemas.ts';

/** A reply of JSON, for a route's description. */
export function jsonReply<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

const statusRoute = createRoute({
  method: 'get',
  path: '/v1/status',
  summary: 'The mesh in figures',
  responses: { 200: jsonReply(StatusSchema, 'How the mesh stands') },
});

const proxiesRoute = createRoute({
  method: 'get',
  path: '/v1/proxies',
  summary: 'Every proxy, what it runs and whether that is what it should run',
  responses: { 200: jsonReply(ProxiesSchema, 'All proxies, connected or not') },
});

const topologyRoute = createRoute({
  method: 'get',
  path: '/v1/topology',
  summary: 'Services, instances and who calls whom',
  request: { query: z.object({ windowS: z.coerce.number().int().min(1).max(900).default(10) }) },
  responses: { 200: jsonReply(TopologySchema, 'The picture over the window') },
});

const eventsRoute = createRoute({
  method: 'get',
  path: '/v1/events',
  summary: 'What happened lately',
  request: {
    query: z.object({
      after: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
    }),
  },
  responses: { 200: jsonReply(EventsSchema, 'Events, the oldest first') },
});

/** Adds the routes that only read. */
export function addReadRoutes(app: OpenAPIHono<ApiEnv>, parts: ApiParts): void {
  const { observatory, events, status } = parts;
  app.openapi(statusRoute, (context) => context.json(status(), 200));
  app.openapi(proxiesRoute, (context) => {
    const { nowMs } = observatory.status();
    return context.json({ nowMs, proxies: observatory.proxies().map(plain) }, 200);
  });
  app.openapi(topologyRoute, (context) => {
    const { windowS } = context.req.valid('query');
    return context.json(plain(observatory.topology(windowS)), 200);
  });
  app.openapi(eventsRoute, (context) => {
    const { after, limit } = context.req.valid('query');
    return context.json({ events: events.after(after, limit), next: events.nextSeq }, 200);
  });
}

/** A type whose arrays may be changed, which is how the schemas infer theirs. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;

/** The same value: what it is made of is not changed on its way out. */
export function plain<T>(value: T): Plain<T> {
  return value as Plain<T>;
}
