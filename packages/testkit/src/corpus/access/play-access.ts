/** Plays the cases of `path-authz`: paths, decisions, configurations, streams, and the way out. */
import { unreachable } from '@leno/std';
import type { Bed } from '../bed/bed.ts';
import { playRequest } from '../bed/play-request.ts';
import { withControls } from '../bed/with-controls.ts';
import type { CorpusPolicy, PathAuthz, PathAuthzCase } from '../http/path-authz-format.ts';
import { type Verdict, verdictOf } from '../verdict.ts';
import type { AccessBed } from './access-bed.ts';
import type { MeshSays } from './mesh-objects.ts';
import { checkEngine, checkProxy } from './play-check.ts';
import { playEgress } from './play-egress.ts';
import { playLive } from './play-live.ts';

type CaseOf<Kind extends PathAuthzCase['kind']> = Extract<PathAuthzCase, { readonly kind: Kind }>;

/** Plays one case; `open` gives the bed, if it needs one. */
export async function playAccess(
  it: PathAuthzCase,
  sets: PathAuthz['policySets'],
  open: () => Promise<AccessBed>,
): Promise<Verdict> {
  switch (it.kind) {
    case 'path':
      return playPath(it, sets, open);
    case 'decision':
      if (it.level === 'engine') return verdictOf(playEngine(it));
      return between(await open(), (bed) => playDecisions(bed, it));
    case 'config':
      return between(await open(), (bed) => playConfig(bed, it));
    case 'live': {
      const bed = await open();
      for (const variant of it.variants) {
        const verdict = await between(bed, () => playLive(bed, it, variant));
        if (verdict.verdict !== 'PASS') return verdict;
      }
      return verdictOf(undefined);
    }
    case 'egress':
      return between(await open(), (bed) => playEgress(bed, it));
    default:
      return unreachable(it);
  }
}

/** Between controls, for which no policy is in force. */
function between(
  bed: AccessBed,
  play: (bed: AccessBed, http: Bed) => Promise<string | undefined>,
): Promise<Verdict> {
  return withControls(bed.http, async (http) => {
    try {
      return await play(bed, http);
    } finally {
      await bed.clear();
    }
  });
}

async function playPath(
  it: CaseOf<'path'>,
  sets: PathAuthz['policySets'],
  open: () => Promise<AccessBed>,
): Promise<Verdict> {
  const unknown = it.policySets.find((name) => sets?.[name] === undefined);
  if (unknown !== undefined) return verdictOf(`no policy set ${unknown}`);
  for (const name of it.policySets) {
    const verdict = await between(await open(), async (bed, http) => {
      const refused = await bed.apply({ policies: sets?.[name] ?? [] });
      const problem = refused ?? (await playRequest(http, { ...it, mayLast: true }));
      return problem === undefined ? undefined : `under ${name}: ${problem}`;
    });
    if (verdict.verdict !== 'PASS') return verdict;
  }
  return verdictOf(undefined);
}

function playEngine({ policies, checks }: CaseOf<'decision'>): string | undefined {
  for (const check of checks) {
    const problem = checkEngine(check, check.policies ?? policies);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function playDecisions(
  bed: AccessBed,
  { policies, trustedForwarders, checks }: CaseOf<'decision'>,
): Promise<string | undefined> {
  let inForce: readonly CorpusPolicy[] | undefined;
  for (const check of checks) {
    const wanted = check.policies ?? policies;
    if (wanted !== inForce) {
      const says = { policies: wanted, ...(trustedForwarders && { trustedForwarders }) };
      const refused = await bed.apply(says);
      if (refused !== undefined) return `the policies are refused: ${refused}`;
      inForce = wanted;
    }
    const problem = await checkProxy(bed, check);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function playConfig(
  bed: AccessBed,
  { steps }: CaseOf<'config'>,
): Promise<string | undefined> {
  let says: MeshSays = { policies: [] };
  for (const step of steps) {
    if ('check' in step) {
      const problem = await checkProxy(bed, step.check);
      if (problem !== undefined) return problem;
      continue;
    }
    const { policies, route } = step.apply;
    const next: MeshSays = {
      policies: policies ?? says.policies,
      pathRegex: route?.pathRegex ?? says.pathRegex,
    };
    const refused = await bed.apply(next);
    if (refused === undefined) says = next;
    if (step.expect === 'ACK' && refused !== undefined) return `refused: ${refused}`;
    if (step.expect === 'NACK' && refused === undefined) return 'taken, not refused';
  }
  return undefined;
}
