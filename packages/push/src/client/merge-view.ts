/**
 * Which resources are in force when a view is taken only in part. The unit is the bundle: it is
 * taken whole or keeps its last good content whole, and one bad bundle never touches its neighbours
 * (push protocol §1, S5).
 */
import { type Resource, ResourceType } from '@leno/config';
import type { Snapshot } from '../messages/server-messages.ts';
import type { ApplyError } from '../messages/view.ts';

/** What is to be applied, and what was already wrong. */
export interface Candidate {
  readonly resources: readonly Resource[];
  readonly errors: readonly ApplyError[];
}

/**
 * What a snapshot asks for, given what runs: held bundles keep what they have, with the errors for
 * which they were refused; so do bundles with a type that this build does not know (P8).
 */
export function mergeSnapshot(
  snapshot: Snapshot,
  running: readonly Resource[],
  refused: readonly ApplyError[],
): Candidate {
  const kept = new Set<string>();
  const errors: ApplyError[] = [];
  for (const held of snapshot.held ?? []) {
    kept.add(held.bundle);
    errors.push(...refused.filter((it) => it.type === held.type && it.name === held.name));
  }
  const known: Resource[] = [];
  for (const resource of snapshot.resources) {
    if (isKnown(resource)) known.push(resource);
    else {
      kept.add(resource.bundle);
      const { type, name, version } = resource;
      const msg = `this build knows no resources of type "${type}"`;
      errors.push({ type, name, version, code: 'UNKNOWN_TYPE', path: '', msg });
    }
  }
  return { resources: replaceBundles(known, running, kept), errors };
}

/** What is in force after `apply` took `candidate` but for the bundles that `errors` name. */
export function resourcesAfter(
  candidate: readonly Resource[],
  running: readonly Resource[],
  errors: readonly ApplyError[],
): readonly Resource[] {
  const named = new Set(errors.map((it) => `${it.type}/${it.name}`));
  const kept = candidate.filter((it) => named.has(`${it.type}/${it.name}`)).map((it) => it.bundle);
  return replaceBundles(candidate, running, new Set(kept));
}

/** `next`, but the bundles of `kept` as they are in `running`; no resource occurs twice. */
function replaceBundles(
  next: readonly Resource[],
  running: readonly Resource[],
  kept: ReadonlySet<string>,
): readonly Resource[] {
  if (kept.size === 0) return next;
  const taken = next.filter((it) => !kept.has(it.bundle));
  const names = new Set(taken.map((it) => `${it.type}/${it.name}`));
  const old = running.filter((it) => kept.has(it.bundle) && !names.has(`${it.type}/${it.name}`));
  return [...taken, ...old];
}

function isKnown(resource: { readonly type: string }): resource is Resource {
  return ResourceType.safeParse(resource.type).success;
}
