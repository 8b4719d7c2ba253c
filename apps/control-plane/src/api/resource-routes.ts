/** Single objects: read, write, delete. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { kinds, parseDocuments } from '@leno/config';
import {
  noNamespace,
  type ObjectRef,
  objectDocument,
  objectKey,
  type StoredObject,
} from '@leno/controlplane';
import type { ApiEnv, ApiParts } from './api-context.ts';
import { doneOrThrow } from './config-routes.ts';
import { ApiProblem } from './problem.ts';
import { jsonReply, plain } from './read-routes.ts';
import {
  ApplyResultSchema,
  FindingSchema,
  MeshObjectSchema,
  ObjectList,
  Problem,
} from './schemas.ts';

const param = (name: string, description: string) =>
  z
    .string()
    .min(1)
    .max(253)
    .openapi({ param: { name, in: 'path' }, description });
const OneParams = z.object({
  kind: param(
    'kind',
    'HTTPRoute, Service, TrafficPolicy, AccessPolicy, MeshConfig; case does not matter',
  ),
  namespace: param('namespace', '`-` for what belongs to the mesh as a whole'),
  name: param('name', 'Name of the object'),
});
const ListParams = z.object({
  kind: OneParams.shape.kind.optional(),
  namespace: OneParams.shape.namespace.optional(),
});
const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Problem } },
});
const lock = z.object({ 'if-match': z.string().optional() });

const getRoute = createRoute({
  method: 'get',
  path: '/v1/resources/{kind}/{namespace}/{name}',
  summary: 'One object',
  request: { params: OneParams },
  responses: { 200: jsonReply(MeshObjectSchema, 'The object'), 404: problem('There is none') },
});
const Written = ApplyResultSchema.extend({
  version: z.int(),
  object: MeshObjectSchema.optional(),
  findings: z.array(FindingSchema),
});
const putRoute = createRoute({
  method: 'put',
  path: '/v1/resources/{kind}/{namespace}/{name}',
  summary: 'Creates or replaces an object',
  request: {
    params: OneParams,
    headers: lock,
    body: { content: { 'application/yaml': { schema: z.string() } } },
  },
  responses: {
    200: jsonReply(Written, 'Updated, or as it was'),
    201: jsonReply(Written, 'Created'),
    409: problem('Another resourceVersion is in force'),
    422: problem('Findings keep it out'),
  },
});
const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/resources/{kind}/{namespace}/{name}',
  summary: 'Deletes an object; `force=true` also if something refers to it',
  request: {
    params: OneParams,
    headers: lock,
    query: z.object({ force: z.enum(['true', 'false']).default('false') }),
  },
  responses: {
    200: jsonReply(Written, 'Deleted'),
    404: problem('There is none'),
    422: problem('Something refers to it'),
  },
});

/** Adds the routes of single objects and of lists. */
export function addResourceRoutes(app: OpenAPIHono<ApiEnv>, parts: ApiParts): void {
  for (const path of [
    '/v1/resources',
    '/v1/resources/{kind}',
    '/v1/resources/{kind}/{namespace}',
  ] as const) {
    const route = createRoute({
      method: 'get',
      path,
      summary: 'Objects, ordered by kind, namespace and name',
      request: { params: ListParams },
      responses: { 200: jsonReply(ObjectList, 'What is stored') },
    });
    app.openapi(route, (context) => {
      const { kind, namespace } = context.req.valid('param');
      return context.json(listOf(parts, kind, namespace), 200);
    });
  }
  app.openapi(getRoute, (context) => {
    const stored = existing(parts, refOf(context.req.valid('param')));
    context.header('etag', `"${stored.resourceVersion}"`);
    return context.json(documentOf(stored), 200);
  });
  app.openapi(putRoute, async (context) => {
    const ref = refOf(context.req.valid('param'));
    const text = await context.req.text();
    const expect = expectation(ref, context.req.header('if-match'));
    requireSame(ref, text);
    const { namespace } = ref;
    const from = { text, file: 'request' };
    const texts = [namespace === noNamespace ? from : { ...from, namespace }];
    const done = doneOrThrow(await parts.configDesk.change({ texts, expect, author: 'api' }));
    const [result] = done.results;
    if (result === undefined) throw oneDocument();
    const object = documentOf(existing(parts, ref));
    const reply = plain({ ...result, version: done.head.version, object, findings: done.findings });
    return context.json(reply, result.action === 'created' ? 201 : 200);
  });
  app.openapi(deleteRoute, async (context) => {
    const ref = refOf(context.req.valid('param'));
    const { force } = context.req.valid('query');
    existing(parts, ref);
    const expect = expectation(ref, context.req.header('if-match'));
    const change = { texts: [], del: [ref], expect, force: force === 'true', author: 'api' };
    const { head, findings } = doneOrThrow(await parts.configDesk.change(change));
    const reply = {
      ...ref,
      action: 'deleted' as const,
      resourceVersion: '',
      version: head.version,
    };
    return context.json(plain({ ...reply, findings }), 200);
  });
}

function listOf({ state }: ApiParts, kind: string | undefined, namespace: string | undefined) {
  const name = kind === undefined ? undefined : kindOf(kind);
  const items = [...state.objects]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([, stored]) => stored)
    .filter(({ object }) => name === undefined || object.kind === name)
    .filter(({ object }) => namespace === undefined || object.namespace === namespace);
  const { epoch, version } = state.view;
  return { head: { epoch, version }, items: items.map(documentOf) };
}

function existing({ state }: ApiParts, ref: ObjectRef): StoredObject {
  const stored = state.objects.get(objectKey(ref));
  if (stored !== undefined) return stored;
  const detail = `there is no ${ref.kind} ${ref.namespace}/${ref.name}`;
  throw new ApiProblem(404, { code: 'LENO_NOT_FOUND', detail });
}

function refOf(params: z.output<typeof OneParams>): ObjectRef {
  const kind = kindOf(params.kind);
  const isNamespaced = kinds.find((it) => it.kind === kind)?.namespaced === true;
  return { kind, namespace: isNamespaced ? params.namespace : noNamespace, name: params.name };
}

function kindOf(text: string): string {
  const found = kinds.find((it) => it.kind.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found.kind;
  const detail = `${text} is not a kind; the kinds are ${kinds.map((it) => it.kind).join(', ')}`;
  throw new ApiProblem(404, { code: 'LENO_NOT_FOUND', detail });
}

/** `If-Match: "48"` asks for that version, `If-None-Match`-like `"0"` for absence. */
function expectation(ref: ObjectRef, ifMatch: string | undefined): ReadonlyMap<string, number> {
  if (ifMatch === undefined || ifMatch === '*') return new Map();
  const version = /^"?(\d{1,15})"?$/.exec(ifMatch)?.[1];
  if (version !== undefined) return new Map([[objectKey(ref), Number(version)]]);
  const detail = `If-Match is ${JSON.stringify(ifMatch)}; write the resourceVersion in quotes`;
  throw new ApiProblem(400, { code: 'LENO_BAD_REQUEST', detail });
}

/** The body must be of the object that the path names; everything else is checked with the change. */
function requireSame(ref: ObjectRef, text: string): void {
  const { documents, findings } = parseDocuments(text, 'request');
  if (findings.length > 0) return; // They are said in full when the change is refused.
  const [document, ...others] = documents;
  if (document === undefined || others.length > 0) throw oneDocument();
  const named = Named.safeParse(document.value).data;
  if (named === undefined) return;
  const { kind, metadata } = named;
  const { name, namespace = ref.namespace } = metadata;
  const wanted = ref.namespace === noNamespace || namespace === ref.namespace;
  if (kind === ref.kind && name === ref.name && wanted) return;
  const detail = `the path names ${objectKey(ref)}, the body ${kind}/${namespace}/${name}`;
  throw new ApiProblem(400, { code: 'LENO_BAD_REQUEST', detail });
}

const Named = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
});

function oneDocument(): ApiProblem {
  return new ApiProblem(400, { code: 'LENO_BAD_REQUEST', detail: 'write exactly one document' });
}

function documentOf(stored: StoredObject): z.output<typeof MeshObjectSchema> {
  return objectDocument(stored) as unknown as z.output<typeof MeshObjectSchema>;
}
