/** Apply and analyze: many documents at once. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { findingText } from '@leno/config';
import { analyzeStored, type ConfigOutcome, planApply } from '@leno/controlplane';
import type { ApiEnv, ApiParts } from './api-context.ts';
import { ApiProblem } from './problem.ts';
import { jsonReply, plain } from './read-routes.ts';
import { AnalyzedSchema, AppliedSchema, Problem } from './schemas.ts';

const waitMsMax = 60_000;

const duration = z
  .string()
  .regex(/^\d{1,5}(ms|s)$/, 'write a time such as 500ms or 5s')
  .transform((text) =>
    text.endsWith('ms') ? Number.parseInt(text, 10) : 1_000 * Number.parseInt(text, 10),
  )
  .refine((ms) => ms <= waitMsMax, `at most ${waitMsMax / 1_000}s`);

/** Named for the document only: every content type is read as YAML, of which JSON is a part. */
const documents = {
  description: 'YAML or JSON, one document or many',
  content: { 'application/yaml': { schema: z.string() } },
};
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});
const headers = z.object({ 'x-leno-file': z.string().max(1_024).optional() });

const applyRoute = createRoute({
  method: 'post',
  path: '/v1/apply',
  summary: 'Applies documents as one revision, or none of them',
  request: {
    headers,
    query: z.object({
      dryRun: z.enum(['true', 'false']).default('false'),
      wait: duration.optional(),
      namespace: z.string().optional(),
    }),
    body: documents,
  },
  responses: {
    200: jsonReply(AppliedSchema, 'What became of each object'),
    409: problem('Somebody else was faster'),
    422: problem('Findings keep it out; nothing was applied'),
  },
});

const analyzeRoute = createRoute({
  method: 'post',
  path: '/v1/analyze',
  summary: 'Checks documents together with what is stored, and changes nothing',
  request: { headers, body: documents },
  responses: { 200: jsonReply(AnalyzedSchema, 'What was found') },
});

/** Adds apply and analyze. */
export function addConfigRoutes(app: OpenAPIHono<ApiEnv>, parts: ApiParts): void {
  const { configDesk, state } = parts;
  app.openapi(applyRoute, async (context) => {
    const { dryRun: dryRunText, wait: waitMs, namespace } = context.req.valid('query');
    const dryRun = dryRunText === 'true';
    const file = context.req.header('x-leno-file') ?? 'request';
    const text = await context.req.text();
    const from = namespace === undefined ? { text, file } : { text, file, namespace };
    const done = doneOrThrow(await configDesk.change({ texts: [from], dryRun, author: 'api' }));
    const { epoch, version } = done.head;
    const wait = waitMs === undefined || dryRun ? null : await configDesk.wait(version, waitMs);
    const { results, findings } = done;
    const applied = !dryRun && results.some((it) => it.action !== 'unchanged');
    return context.json(plain({ applied, dryRun, epoch, version, results, findings, wait }), 200);
  });
  app.openapi(analyzeRoute, async (context) => {
    const text = await context.req.text();
    const file = context.req.header('x-leno-file') ?? 'request';
    const findings = [...planApply(state, [{ text, file }]).findings, ...analyzeStored(state)];
    const unique = [...new Map(findings.map((it) => [findingText(it), it])).values()];
    const ok = unique.every((it) => it.severity !== 'error');
    return context.json(plain({ ok, findings: unique }), 200);
  });
}

/** What a change came to, or the problem that it met. */
export function doneOrThrow(outcome: ConfigOutcome): Extract<ConfigOutcome, { kind: 'done' }> {
  switch (outcome.kind) {
    case 'done':
      return outcome;
    case 'refused': {
      const errors = outcome.findings.filter((it) => it.severity === 'error');
      const detail = errors.slice(0, 5).map(findingText).join('\n');
      const { findings } = outcome;
      throw new ApiProblem(422, { code: 'LENO_CONFIG_REFUSED', detail, findings });
    }
    case 'conflict': {
      const resourceVersion = String(outcome.found);
      const detail = `${outcome.key} is at resourceVersion ${resourceVersion}: read it again and repeat the change`;
      throw new ApiProblem(409, { code: 'LENO_CONFLICT', detail, resourceVersion });
    }
    default: {
      const detail = `a proxy has seen epoch ${outcome.epoch}, newer than this store's: it takes no changes; restore the newer store`;
      throw new ApiProblem(503, { code: 'LENO_STORE_FENCED', detail });
    }
  }
}
