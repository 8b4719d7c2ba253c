/** Join tokens, for whoever starts proxies. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { ApiEnv, ApiParts } from './api-context.ts';
import { visitorOf } from './api-context.ts';
import { jsonReply } from './read-routes.ts';
import { TokenRequest, TokenSchema } from './schemas.ts';

const tokenRoute = createRoute({
  method: 'post',
  path: '/v1/tokens',
  summary: 'Makes a join token: good once, for one service, for a short time',
  request: { body: { content: { 'application/json': { schema: TokenRequest } }, required: true } },
  responses: { 201: jsonReply(TokenSchema, 'The token, shown this once') },
});

/** Adds the route. */
export function addTokenRoutes(app: OpenAPIHono<ApiEnv>, parts: ApiParts): void {
  app.openapi(tokenRoute, async (context) => {
    const { namespace, service, ttlS } = context.req.valid('json');
    const host = (visitorOf(context).host ?? '').replace(/:\d{1,5}$/, '');
    const request = { namespace, service, ttlMs: ttlS * 1_000, host };
    context.header('cache-control', 'no-store');
    return context.json(await parts.createToken(request), 201);
  });
}
