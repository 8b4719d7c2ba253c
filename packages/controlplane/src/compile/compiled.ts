/** What the compiler makes, before it has versions; and how the versions come about. */
import type { Resource, ResourceType } from '@leno/config';

/** A resource as it is to be pushed, without the revision that last changed it. */
export interface Compiled {
  readonly type: ResourceType;
  readonly name: string;
  readonly bundle: string;
  /** Canonical hash of the body. */
  readonly hash: string;
  readonly body: unknown;
}

/** Which content a resource has, and since which revision. */
export interface Mark {
  readonly hash: string;
  readonly version: number;
}

/** What is different from the marks: what has to be saved with the next revision. */
export interface MarkChanges {
  /** Resource ids whose content is new. */
  readonly put: readonly { readonly id: string; readonly hash: string }[];
  /** Resource ids that are no longer there. */
  readonly del: readonly string[];
}

/** `type/name`: unique among all resources. */
export function resourceId(it: { readonly type: string; readonly name: string }): string {
  return `${it.type}/${it.name}`;
}

/** Compares what was compiled with the marks. The bundle counts as content: a resource may move. */
export function markChanges(
  compiled: readonly Compiled[],
  marks: ReadonlyMap<string, Mark>,
): MarkChanges {
  const put = compiled
    .map((it) => ({ id: resourceId(it), hash: contentHash(it) }))
    .filter(({ id, hash }) => marks.get(id)?.hash !== hash);
  const present = new Set(compiled.map(resourceId));
  return { put, del: [...marks.keys()].filter((id) => !present.has(id)) };
}

/** The marks after a revision `version` that saved `changes`. */
export function advanceMarks(
  marks: ReadonlyMap<string, Mark>,
  changes: MarkChanges,
  version: number,
): ReadonlyMap<string, Mark> {
  const next = new Map(marks);
  for (const { id, hash } of changes.put) next.set(id, { hash, version });
  for (const id of changes.del) next.delete(id);
  return next;
}

/** The resources with the revision that last changed each, in the order of their ids. */
export function versioned(
  compiled: readonly Compiled[],
  marks: ReadonlyMap<string, Mark>,
): readonly Resource[] {
  return compiled
    .map(({ type, name, bundle, hash, body }) => {
      const version = marks.get(resourceId({ type, name }))?.version ?? 0;
      return { type, name, version, hash, bundle, body };
    })
    .toSorted((left, right) => (resourceId(left) < resourceId(right) ? -1 : 1));
}

function contentHash(it: Compiled): string {
  return `${it.hash} ${it.bundle}`;
}
