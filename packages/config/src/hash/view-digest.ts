import type { Resource } from '../model/resource.ts';
import { sha256Hex } from './sha256.ts';

/**
 * What a view consists of, in one value that both ends can work out (push protocol §1): `sha256:` and
 * the SHA-256 of every `type/name@version`, sorted by UTF-16 code units and joined by newlines.
 * The order in which the resources come does not matter.
 */
export function viewDigest(
  resources: readonly Pick<Resource, 'type' | 'name' | 'version'>[],
): string {
  const lines = resources.map(({ type, name, version }) => `${type}/${name}@${version}`);
  return `sha256:${sha256Hex(lines.toSorted().join('\n'))}`;
}
