/**
 * What a user hands in, on its way to a commit: text → documents → objects → checks against
 * everything that is stored → changes. Nothing is applied unless all of it can be.
 */
import {
  analyze,
  type ConfigEntry,
  type ConfigObject,
  type Finding,
  objectName,
  parseDocuments,
  validate,
} from '@leno/config';
import { configInstances, configObject } from './compile/compile-mesh.ts';
import {
  type MeshObject,
  noNamespace,
  type ObjectRef,
  objectKey,
  type StoredObject,
} from './mesh-object.ts';
import type { MeshState, ObjectChange } from './mesh-state.ts';
import type { Json } from './store/store.ts';

/** A text to apply. */
export interface ConfigText {
  readonly text: string;
  /** How findings call it. */
  readonly file: string;
  /** For objects that name no namespace. Default `default`. */
  readonly namespace?: string;
}

/** What a text comes to. */
export interface ApplyPlan {
  /** One for each document, in order; also those that change nothing. */
  readonly changes: readonly ObjectChange[];
  readonly findings: readonly Finding[];
  /** Whether the findings keep the whole of it out. */
  readonly refused: boolean;
  /** Resource versions that documents have asked for, by object key. */
  readonly expect: ReadonlyMap<string, number>;
}

/** What became of one object. */
export type ApplyAction = 'created' | 'updated' | 'unchanged' | 'deleted';

/** Reads texts and checks them together with everything that is stored, but for `del`, which is to go. */
export function planApply(
  state: MeshState,
  texts: readonly ConfigText[],
  del: readonly ObjectRef[] = [],
): ApplyPlan {
  const findings: Finding[] = [];
  const entries: ConfigEntry[] = [];
  for (const { text, file, namespace } of texts) {
    const parsed = parseDocuments(text, file, namespace === undefined ? {} : { namespace });
    const validated = validate(parsed.documents);
    findings.push(...parsed.findings, ...validated.findings);
    entries.push(...validated.entries);
  }
  const changes: ObjectChange[] = [
    ...del.map((ref): ObjectChange => ({ kind: 'del', ref })),
    ...entries.map(({ object }): ObjectChange => ({ kind: 'put', object: meshObject(object) })),
  ];
  const own = new Set(entries.map(({ object }) => subjectOf(object)));
  const stored = [...state.preview(changes.filter((it) => it.kind === 'del')).values()];
  // Entries first: of two objects of one name, the finding belongs to the document.
  const others = stored
    .flatMap((it) => configObject(it) ?? [])
    .filter((it) => !own.has(subjectOf(it)));
  const after = [...entries, ...others.map((object) => ({ object }))];
  const known = new Set(analyzeStored(state).map(findingKey));
  const analyzed = analyze(after, { instances: instancesOf(state) });
  // What was wrong with other objects before is not this change's fault, and must not stop it.
  const news = analyzed.filter((it) => own.has(it.subject ?? '') || !known.has(findingKey(it)));
  findings.push(...news);
  const refused = findings.some((it) => it.severity === 'error');
  return { changes, findings, refused, expect: expectedVersions(entries) };
}

/** What analysis says of the objects that are stored. */
export function analyzeStored(state: MeshState): readonly Finding[] {
  const entries = [...state.objects.values()].flatMap((it) => {
    const object = configObject(it);
    return object === undefined ? [] : [{ object }];
  });
  return analyze(entries, { instances: instancesOf(state) });
}

/** What a change does to what is there. */
export function actionOf(
  before: StoredObject | undefined,
  after: StoredObject | undefined,
): ApplyAction {
  if (after === undefined) return 'deleted';
  if (before === undefined) return 'created';
  return before.resourceVersion === after.resourceVersion ? 'unchanged' : 'updated';
}

/** An object as it is stored. */
export function meshObject(object: ConfigObject): MeshObject {
  const { apiVersion, kind, metadata, spec } = object;
  const namespace =
    'namespace' in metadata && kind !== 'MeshConfig' ? metadata.namespace : noNamespace;
  return {
    apiVersion,
    kind,
    namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    // Through JSON once, so that what is compared later is what will be read back.
    spec: JSON.parse(JSON.stringify(spec)) as Json,
  };
}

/** An optimistic lock is written as `metadata.resourceVersion`, as in Kubernetes. */
function expectedVersions(entries: readonly ConfigEntry[]): ReadonlyMap<string, number> {
  const expect = new Map<string, number>();
  for (const { object } of entries) {
    const { resourceVersion } = object.metadata as { readonly resourceVersion?: unknown };
    const version = Number(resourceVersion);
    if (typeof resourceVersion !== 'string' || !Number.isSafeInteger(version)) continue;
    expect.set(objectKey(meshObject(object)), version);
  }
  return expect;
}

function instancesOf(state: MeshState) {
  const instances = state.registry.entries().map((it) => it.instance);
  return configInstances({ instances, vacant: state.vacant });
}

function subjectOf(object: ConfigObject): string {
  return `${object.kind} ${objectName(object)}`;
}

function findingKey({ code, subject = '', path }: Finding): string {
  return `${code} ${subject} ${path}`;
}
