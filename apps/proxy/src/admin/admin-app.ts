/**
 * The admin interface, for loopback only: what runs, why a request failed, and two orders (drain, log level). Orders
 * are POST and need `x-leno: 1`, so that no web page can give them; a Host that is not a loopback name
 * is refused, so that no DNS name can be pointed here.
 */
import { type JsonLogger, type LogLevel, logLevels } from '@leno/std/node';
import { prometheusContentType } from '@leno/telemetry';
import { type Context, Hono } from 'hono';
import type { Workers } from '../workers/workers.ts';
import { pageNames } from './pages.ts';

/** Whether a proxy can serve, and what it still waits for. */
export interface Readiness {
  readonly ready: boolean;
  readonly waitsFor: readonly string[];
  /** What is not as it should be although it serves; absent where all is well. */
  readonly degraded?: readonly string[];
}

export interface AdminPorts {
  readonly workers: Pick<Workers, 'page' | 'exposition' | 'setLogLevel'>;
  readonly log: JsonLogger;
  readiness(): Readiness;
  /** Certificates in use; never a key. */
  certificates(): unknown;
  drain(): void;
}

const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Builds the admin API. */
export function adminApp(ports: AdminPorts): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (!loopbackHost.test(context.req.header('host') ?? '')) {
      return problem(context, 421, 'the admin interface answers to loopback names only');
    }
    if (context.req.method === 'POST' && context.req.header('x-leno') !== '1') {
      return problem(context, 403, 'send the header x-leno: 1 with every order');
    }
    return next();
  });
  addProbes(app, ports);
  addDumps(app, ports);
  addOrders(app, ports);
  app.notFound((context) => problem(context, 404, 'no such page; see /'));
  return app;
}

/** The read-only metrics interface, which other hosts may reach. */
export function metricsApp(ports: Pick<AdminPorts, 'workers' | 'readiness'>): Hono {
  const app = new Hono();
  addProbes(app, ports);
  app.notFound((context) => problem(context, 404, 'only /metrics, /healthz and /readyz are here'));
  return app;
}

function addProbes(app: Hono, ports: Pick<AdminPorts, 'workers' | 'readiness'>): void {
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', (context) => {
    const readiness = ports.readiness();
    return context.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await ports.workers.exposition(), 200, {
      'content-type': prometheusContentType,
    }),
  );
}

const pages = [
  ['GET', '/healthz', 'the process runs'],
  ['GET', '/readyz', 'it can serve, or what it waits for'],
  ['GET', '/metrics', 'Prometheus text'],
  ['GET', '/config', 'the resources that run'],
  ['GET', '/clusters', 'endpoints with breakers, scores and connections'],
  ['GET', '/routes', 'what can be dialled and where it leads'],
  ['GET', '/certs', 'certificates in use'],
  ['GET', '/why/:id', 'the decision record of a request or trace id'],
  ['GET', '/stats', 'counters of bounds and connections'],
  ['POST', '/drain', 'leave the mesh and finish'],
  ['POST', '/log-level?level=debug', 'change the log level'],
] as const;

function addDumps(app: Hono, ports: AdminPorts): void {
  const { workers } = ports;
  app.get('/', (context) =>
    context.text(pages.map(([method, path, what]) => `${method} ${path}  ${what}`).join('\n')),
  );
  for (const name of pageNames) {
    if (name === 'why') continue;
    app.get(`/${name}`, async (context) => context.json((await workers.page(name, '')) as object));
  }
  app.get('/certs', (context) => context.json(ports.certificates() as object));
  app.get('/why/:id', async (context) => {
    const record = await workers.page('why', context.req.param('id'));
    if (record !== undefined) return context.json(record);
    return problem(
      context,
      404,
      'no record of this id: failures stay 15 minutes, successes by sample',
    );
  });
}

function addOrders(app: Hono, ports: AdminPorts): void {
  app.post('/drain', (context) => {
    ports.drain();
    return context.json({ draining: true }, 202);
  });
  app.post('/log-level', (context) => {
    const level = context.req.query('level') ?? '';
    if (!isLogLevel(level)) return problem(context, 400, `use one of ${logLevels.join(', ')}`);
    ports.log.level = level;
    ports.workers.setLogLevel(level);
    return context.json({ level });
  });
}

function isLogLevel(text: string): text is LogLevel {
  return logLevels.some((level) => level === text);
}

function problem(context: Context, status: 400 | 403 | 404 | 421, detail: string): Response {
  return context.json({ type: 'about:blank', status, detail }, status, {
    'content-type': 'application/problem+json',
  });
}
