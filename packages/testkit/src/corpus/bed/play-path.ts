/**
 * Plays the cases of `path-authz`, as far as the mesh has what they need. It has no authorization
 * policies yet, no passing through to unknown destinations and no regular expressions in routes;
 * what is left is paths under no policy.
 */
import { unreachable } from '@leno/std';
import type { PathAuthz, PathAuthzCase } from '../http/path-authz-format.ts';
import type { Verdict } from '../verdict.ts';
import type { Bed } from './bed.ts';
import { playRequest } from './play-request.ts';
import { withControls } from './with-controls.ts';

const noPolicies = absent('authorization policies');

export async function playPath(
  it: PathAuthzCase,
  sets: PathAuthz['policySets'],
  openBed: () => Promise<Bed>,
): Promise<Verdict> {
  switch (it.kind) {
    case 'path': {
      const unknown = it.policySets.find((name) => sets?.[name] === undefined);
      if (unknown !== undefined) return { verdict: 'FAIL', reason: `no policy set ${unknown}` };
      if (!it.policySets.some((name) => sets?.[name]?.length === 0)) return noPolicies;
      const verdict = await withControls(await openBed(), (bed) => playRequest(bed, it));
      const isAllPlayed = it.policySets.every((name) => sets?.[name]?.length === 0);
      return verdict.verdict === 'PASS' && !isAllPlayed ? noPolicies : verdict;
    }
    case 'decision':
    case 'live':
      return noPolicies;
    case 'config': {
      const needsRoute = it.steps.some((step) => 'apply' in step && step.apply.route !== undefined);
      return needsRoute ? absent('regular expressions in routes') : noPolicies;
    }
    case 'egress':
      return absent('passing through to unknown destinations');
    default:
      return unreachable(it);
  }
}

function absent(what: string): Verdict {
  return { verdict: 'SKIP', reason: `feature absent: ${what}` };
}
