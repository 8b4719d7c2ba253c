/**
 * Deterministic subsetting: each of many callers keeps connections to few of many endpoints, so
 * that together they cover all evenly, without talking to each other.
 *
 * A caller that is known by its number (0, 1, 2, … in its own fleet) gets endpoints that stand in a
 * row on a ring, which is ordered by hash, from a place given by the number: the places of numbers
 * 0 to n are always spread evenly (van der Corput's sequence), so that an endpoint has nearly as
 * many callers as any other. A caller that comes or goes moves nobody else; an endpoint that comes
 * or goes changes at most two endpoints of a caller.
 *
 * A caller that is known by its name gets the endpoints that score highest with that name
 * (rendezvous hashing): an endpoint that comes or goes changes at most one, and evenness is that of
 * chance.
 *
 * After "Site Reliability Engineering" (2016), chapter 20, which spreads evenly but moves all when
 * one comes, and the deterministic aperture of Finagle, which has the ring.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { textHash32 } from './text-hash32.ts';

/**
 * The endpoints for one caller, `size` of them, or all if there are no more; in the order of
 * `members`. Throws `InvalidOptionError` for a size that is not a whole number of at least 1, and
 * for a number of a caller that is not one of at least 0.
 */
export function subsetOf<M extends { readonly id: string }>(
  members: readonly M[],
  caller: string | number,
  size: number,
): readonly M[] {
  const problems = new OptionProblems();
  problems.count('size', size, 1);
  if (typeof caller === 'number') problems.count('caller', caller, 0);
  problems.throwIfAny(InvalidOptionError);
  if (members.length <= size) return [...members];
  const chosen =
    typeof caller === 'number' ? inARow(members, caller, size) : highest(members, caller, size);
  return members.filter((it) => chosen.has(it.id));
}

function inARow(
  members: readonly { readonly id: string }[],
  caller: number,
  size: number,
): ReadonlySet<string> {
  const ring = scored(members, '');
  const start = Math.floor(placeOf(caller) * ring.length);
  const chosen = new Set<string>();
  for (let step = 0; step < ring.length && chosen.size < size; step += 1) {
    const id = ring[(start + step) % ring.length]?.id;
    if (id !== undefined) chosen.add(id);
  }
  return chosen;
}

function highest(
  members: readonly { readonly id: string }[],
  caller: string,
  size: number,
): ReadonlySet<string> {
  return new Set(
    scored(members, caller)
      .slice(0, size)
      .map((it) => it.id),
  );
}

/** Highest first; ids decide between equals, so that the order of the list never does. */
function scored(members: readonly { readonly id: string }[], caller: string) {
  const scores = members.map(({ id }) => ({ id, score: textHash32(id, textHash32(caller, 0)) }));
  return scores.sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1));
}

/** The bits of the number behind the point, mirrored: 0, 1/2, 1/4, 3/4, 1/8, … */
function placeOf(number: number): number {
  let place = 0;
  let digit = 0.5;
  for (let rest = number; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) place += digit;
    digit /= 2;
  }
  return place;
}
