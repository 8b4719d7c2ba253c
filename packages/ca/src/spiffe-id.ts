/**
 * SPIFFE ids: `spiffe://TRUST-DOMAIN/PATH`, the only names that the mesh trusts.
 *
 * The strict reading of the SPIFFE-ID standard §2: nothing is normalised and nothing is decoded, so
 * two ids are the same peer exactly if their text is the same. What would need interpreting
 * (percent signs, dot segments, a trailing slash, a port) is refused.
 */
import { err, ok, type Result } from '@leno/std';

/** A SPIFFE id in its two parts. The text is `formatSpiffeId` of it. */
export interface SpiffeId {
  /** Lower-case host without port, at most 255 bytes. Compared as an opaque string. */
  readonly trustDomain: string;
  /** '' for the id of a trust domain itself, else `/segment/…`. Case matters. */
  readonly path: string;
}

const scheme = 'spiffe://';
const idBytesMax = 2048;
const trustDomainBytesMax = 255;
const trustDomainPattern = /^[a-z0-9._-]+$/;
const segmentPattern = /^[a-zA-Z0-9._-]+$/;

/**
 * Reads a SPIFFE id by every rule of SPIFFE-ID §2, of at most 2048 bytes. The error says which rule
 * is broken, without repeating the input, which may be hostile. An id without a path is a good id
 * here; `peerIdentity` and `issueLeaf` refuse it as the name of a workload.
 */
export function parseSpiffeId(text: string): Result<SpiffeId, string> {
  // Counted in UTF-16 units, which is bytes for all that the patterns below let through.
  if (text.length > idBytesMax) return err(`longer than ${idBytesMax} bytes`);
  if (!text.startsWith(scheme)) return err(`does not begin with ${scheme}`);
  const rest = text.slice(scheme.length);
  const slash = rest.indexOf('/');
  const trustDomain = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? '' : rest.slice(slash);
  const fault = trustDomainFault(trustDomain) ?? pathFault(path);
  return fault === undefined ? ok({ trustDomain, path }) : err(fault);
}

/** The text of an id. Gives back what `parseSpiffeId` read, byte for byte; checks nothing. */
export function formatSpiffeId(id: SpiffeId): string {
  return `${scheme}${id.trustDomain}${id.path}`;
}

/** What is wrong with a trust domain (SPIFFE-ID §2.1), or undefined. */
export function trustDomainFault(trustDomain: string): string | undefined {
  if (trustDomain === '') return 'has no trust domain';
  if (trustDomain.length > trustDomainBytesMax) {
    return `its trust domain is longer than ${trustDomainBytesMax} bytes`;
  }
  if (!trustDomainPattern.test(trustDomain)) {
    return 'its trust domain has other characters than a-z 0-9 . - _';
  }
  return undefined;
}

function pathFault(path: string): string | undefined {
  if (path === '') return undefined;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'its path has an empty segment or ends in a slash';
    if (segment === '.' || segment === '..') return 'its path has a dot segment';
    if (!segmentPattern.test(segment)) {
      return 'its path has other characters than a-z A-Z 0-9 . - _';
    }
  }
  return undefined;
}
