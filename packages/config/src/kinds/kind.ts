import * as z from 'zod';
import { AccessPolicy } from './access-policy.ts';
import { Gateway } from './gateway.ts';
import { HttpRoute } from './http-route.ts';
import { MeshConfig } from './mesh-config.ts';
import { Service } from './service.ts';
import { TrafficPolicy } from './traffic-policy.ts';

/** Everything that a user can say, told apart by `kind`. */
export type ConfigObject =
  | Service
  | Gateway
  | HttpRoute
  | TrafficPolicy
  | AccessPolicy
  | MeshConfig;
/** The names of the kinds. */
export type Kind = ConfigObject['kind'];

/** One kind: how it is spelt, and what may stand in it. */
export interface KindEntry {
  readonly kind: Kind;
  readonly apiVersion: string;
  /** Whether its objects live in a namespace, or in the mesh as a whole. */
  readonly namespaced: boolean;
  readonly schema: z.ZodType<ConfigObject>;
}

/** The kinds that are served, in the order of documentation. */
export const kinds: readonly KindEntry[] = [
  { kind: 'Service', apiVersion: 'v1', namespaced: true, schema: Service },
  {
    kind: 'Gateway',
    apiVersion: 'gateway.networking.k8s.io/v1',
    namespaced: true,
    schema: Gateway,
  },
  {
    kind: 'HTTPRoute',
    apiVersion: 'gateway.networking.k8s.io/v1',
    namespaced: true,
    schema: HttpRoute,
  },
  { kind: 'TrafficPolicy', apiVersion: 'leno.dev/v1', namespaced: true, schema: TrafficPolicy },
  { kind: 'AccessPolicy', apiVersion: 'leno.dev/v1', namespaced: true, schema: AccessPolicy },
  { kind: 'MeshConfig', apiVersion: 'leno.dev/v1', namespaced: false, schema: MeshConfig },
];

/** A JSON Schema document (draft 2020-12), as far as it is read here. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

const emitted = new Map<Kind, JsonSchema>();

/** The JSON Schema of what a user may write for `entry`, for editors and other validators. */
export function jsonSchemaOf(entry: KindEntry): JsonSchema {
  const known = emitted.get(entry.kind);
  if (known !== undefined) return known;
  const schema: JsonSchema = { title: entry.kind, ...read(entry.schema) };
  emitted.set(entry.kind, schema);
  return schema;
}

/** One JSON Schema document per kind, by kind. */
export function jsonSchemas(): Readonly<Record<Kind, JsonSchema>> {
  const pairs = kinds.map((entry) => [entry.kind, jsonSchemaOf(entry)]);
  return Object.fromEntries(pairs) as Record<Kind, JsonSchema>;
}

/** `namespace/name`, or the name alone for what belongs to the whole mesh. */
export function objectName(object: ConfigObject): string {
  const { metadata } = object;
  return object.kind === 'MeshConfig'
    ? metadata.name
    : `${object.metadata.namespace}/${metadata.name}`;
}

/** `input`: what a user writes, where fields with a default may be left out. */
function read(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
}
