/** What a user wrote, as it is stored: a Kubernetes-shaped object without what the store adds. */
import type { Json, Row } from './store/store.ts';

/** One object. `spec` and the rest are kept as written, with defaults left out. */
export interface MeshObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** `-` for what belongs to the mesh as a whole. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Json;
}

/** An object in the store. */
export interface StoredObject {
  readonly object: MeshObject;
  /** The revision that last changed it: what an optimistic lock compares. */
  readonly resourceVersion: number;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** The namespace in the key of an object that belongs to the mesh as a whole. */
export const noNamespace = '-';

/** Names an object among all: `Kind/namespace/name`. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The key of an object's row. */
export function objectKey(ref: ObjectRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** The value of an object's row. */
export function objectValue(object: MeshObject, createdAtMs: number): Json {
  return { object: { ...object }, createdAtMs };
}

/** An object from its row, which this package wrote. */
export function storedObject(row: Row): StoredObject {
  const { object, createdAtMs } = row.value as unknown as Omit<StoredObject, 'resourceVersion'>;
  return { object, createdAtMs, resourceVersion: row.version };
}

/** An object as users read it: with what the store has added. */
export function objectDocument(stored: StoredObject): Json {
  const { apiVersion, kind, namespace, name, labels, annotations, spec } = stored.object;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace === noNamespace ? {} : { namespace }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      resourceVersion: String(stored.resourceVersion),
      creationTimestamp: new Date(stored.createdAtMs).toISOString(),
    },
    spec,
  };
}
