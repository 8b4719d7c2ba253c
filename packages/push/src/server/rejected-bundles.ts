/** What a session does not send again, and why: the bundles that its proxy has refused (S7). */
import type { Resource } from '@leno/config';
import type { ApplyError, HeldResource, View } from '../messages/view.ts';
import type { RejectedBundle } from './session-state.ts';

/** The bundles of `view` that `errors` name, beside those known before that are still the same. */
export function rejectedAfter(
  view: View,
  errors: readonly ApplyError[],
  before: readonly RejectedBundle[],
): readonly RejectedBundle[] {
  const named = new Set(errors.map((it) => `${it.type}/${it.name}`));
  const bundles = new Set<string>();
  for (const it of view.resources) {
    if (named.has(`${it.type}/${it.name}`)) bundles.add(it.bundle);
  }
  for (const it of stillRejected(view, before)) bundles.add(it.bundle);
  return [...bundles].map((bundle) => ({ bundle, content: contentOf(view, bundle) }));
}

/** Those of `rejected` whose content in `view` is what was refused. */
export function stillRejected(
  view: View,
  rejected: readonly RejectedBundle[],
): readonly RejectedBundle[] {
  if (rejected.length === 0) return rejected;
  return rejected.filter((it) => contentOf(view, it.bundle) === it.content);
}

/** Splits a view into what is sent and what is only named. The shared array is kept if all is sent. */
export function withoutRejected(
  view: View,
  rejected: readonly RejectedBundle[],
): { readonly resources: readonly Resource[]; readonly held: readonly HeldResource[] } {
  const bundles = new Set(stillRejected(view, rejected).map((it) => it.bundle));
  if (bundles.size === 0) return { resources: view.resources, held: [] };
  const held = view.resources
    .filter((it) => bundles.has(it.bundle))
    .map(({ type, name, version, bundle }) => ({ type, name, version, bundle }));
  return { resources: view.resources.filter((it) => !bundles.has(it.bundle)), held };
}

function contentOf(view: View, bundle: string): string {
  return view.resources
    .filter((it) => it.bundle === bundle)
    .map((it) => `${it.type}/${it.name}@${String(it.version)}`)
    .sort()
    .join('\n');
}
