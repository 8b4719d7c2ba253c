/**
 * The API as one application of hono: guard, routes, problems. It serves people and programs that
 * operate the mesh; proxied traffic never comes here.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import { messageOf } from '@leno/std';
import { prometheusContentType, renderPrometheus } from '@leno/telemetry';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { type ApiEnv, type ApiParts, visitorOf } from './api-context.ts';
import { addConfigRoutes } from './config-routes.ts';
import { serveDashboard } from './dashboard.ts';
import { ApiProblem, problemReply } from './problem.ts';
import { addReadRoutes } from './read-routes.ts';
import { addResourceRoutes } from './resource-routes.ts';
import { addTokenRoutes } from './token-routes.ts';

/** What a request body may hold. */
const bodyBytesMax = 4 * 1_048_576;

/** Ways that change nothing though they are not GET. */
const harmlessPosts = ['/v1/analyze'];

/** Makes the application. `tell` hears of what nobody expected. */
export function createApi(parts: ApiParts, tell: (thrown: unknown) => void): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>({
    defaultHook: (result, context) => {
      if (result.success) return undefined;
      const detail = result.error.issues
        .map((it) => `${result.target} ${it.path.join('.')}: ${it.message}`)
        .join('; ');
      return problemReply(context, 400, { code: 'LENO_BAD_REQUEST', detail });
    },
  });
  app.onError((thrown, context) => {
    if (thrown instanceof ApiProblem) return problemReply(context, thrown.status, thrown.details);
    if (thrown instanceof HTTPException) {
      const detail = thrown.message === '' ? 'bad request' : thrown.message;
      return problemReply(context, thrown.status, { code: 'LENO_BAD_REQUEST', detail });
    }
    tell(thrown);
    return problemReply(context, 500, { code: 'LENO_INTERNAL', detail: messageOf(thrown) });
  });
  app.notFound((context) => {
    const detail = `nothing is served at ${new URL(context.req.url).pathname}; see /v1/openapi.json`;
    return problemReply(context, 404, { code: 'LENO_NOT_FOUND', detail });
  });
  addWalls(app, parts);
  addProbes(app, parts);
  addReadRoutes(app, parts);
  addConfigRoutes(app, parts);
  addResourceRoutes(app, parts);
  addTokenRoutes(app, parts);
  app.doc31('/v1/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Leno control plane', version: '0.1.0' },
  });
  app.get('*', serveDashboard(parts.dashboardDir));
  return app;
}

function addWalls(app: OpenAPIHono<ApiEnv>, { guard, isReady }: ApiParts): void {
  app.use('*', async (context, next) => {
    const { path, method } = context.req;
    // Probes come under whatever name an orchestrator uses, and say nothing that is worth hiding.
    if (path === '/healthz' || path === '/readyz') return next();
    const visitor = visitorOf(context);
    guard.admit(visitor);
    const reads = method === 'GET' || method === 'HEAD' || harmlessPosts.includes(path);
    if (reads) guard.admitReader(visitor);
    else guard.admitWriter(visitor);
    if (path.startsWith('/v1/') && !isReady()) {
      throw new ApiProblem(503, {
        code: 'LENO_NOT_READY',
        detail: 'the control plane is starting',
      });
    }
    return next();
  });
  const onError = (): never => {
    const detail = `the body is larger than ${bodyBytesMax} bytes; split it`;
    throw new ApiProblem(413, { code: 'LENO_BODY_TOO_LARGE', detail });
  };
  app.use('*', bodyLimit({ maxSize: bodyBytesMax, onError }));
}

function addProbes(app: OpenAPIHono<ApiEnv>, { metrics, isReady }: ApiParts): void {
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', (context) => {
    if (isReady()) return context.json({ ready: true });
    return problemReply(context, 503, { code: 'LENO_NOT_READY', detail: 'starting or stopping' });
  });
  app.get('/metrics', (context) =>
    context.body(renderPrometheus(metrics), 200, { 'content-type': prometheusContentType }),
  );
}
