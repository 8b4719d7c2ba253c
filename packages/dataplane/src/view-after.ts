import { resourcesAfter } from '@leno/push';
import type { PushedView } from './data-plane.ts';
import { lostAfter, type ResourceError } from './table/decode.ts';

/**
 * What is in force when `view` was taken after `before` but for the resources that `errors` name. A
 * data plane that begins with it lets in and forwards what one that has seen both does: bundles that
 * were refused with nothing to fall back on stay closed there, too.
 */
export function viewAfter(
  view: PushedView,
  before: Pick<PushedView, 'resources' | 'lostBundles'> | undefined,
  errors: readonly ResourceError[],
): PushedView {
  const resources = resourcesAfter(view.resources, before?.resources ?? [], errors);
  const refused = new Set(errors.map(({ type, name }) => `${type}/${name}`));
  const bad = view.resources.filter(({ type, name }) => refused.has(`${type}/${name}`));
  const lost = lostAfter(
    resources,
    [...(before?.lostBundles ?? []), ...(view.lostBundles ?? [])],
    bad.map(({ bundle }) => bundle),
  );
  return { ...view, resources, lostBundles: [...lost] };
}
