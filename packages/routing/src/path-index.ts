/**
 * The candidates that share a host, by path. Exact paths by one look-up; prefixes by a rolling hash
 * of the request's path, taken at each end of a segment, so that neither their number nor a string
 * per segment costs anything.
 */
import { type Candidate, compareCandidates } from './candidate.ts';
import { conditionsHold } from './conditions.ts';
import type { RouteQuestion } from './question.ts';

interface PrefixEntry {
  readonly prefix: string;
  readonly candidates: Candidate[];
}

/** Finds the first candidate that fits in the order of precedence of one host. */
export class PathIndex {
  readonly #exact = new Map<string, Candidate[]>();
  readonly #prefixes = new Map<number, PrefixEntry[]>();
  /** What the empty prefix, `/`, holds. */
  readonly #root: Candidate[] = [];
  #prefixLengthMax = 0;

  constructor(candidates: readonly Candidate[]) {
    for (const candidate of candidates.toSorted(compareCandidates)) {
      this.#listFor(candidate).push(candidate);
    }
  }

  /** An exact path before any prefix, then the longest prefix, then the order within. */
  find(question: RouteQuestion): Candidate | undefined {
    const exact = this.#exact.get(question.path);
    const found = exact === undefined ? undefined : firstThatHolds(exact, question);
    if (found !== undefined) return found;
    return this.#findPrefix(question, 0, hashStart) ?? firstThatHolds(this.#root, question);
  }

  /** Looks from `start` on; a longer prefix, found deeper, goes before the one that ends here. */
  #findPrefix(question: RouteQuestion, start: number, startHash: number): Candidate | undefined {
    const { path } = question;
    let hash = startHash;
    for (let end = start; end <= path.length && end <= this.#prefixLengthMax; end += 1) {
      if (end > 0 && (end === path.length || path.charCodeAt(end) === slash)) {
        const entry = this.#entryAt(path, end, hash);
        if (entry !== undefined) {
          const longer =
            end < path.length ? this.#findPrefix(question, end + 1, step(hash, slash)) : undefined;
          return longer ?? firstThatHolds(entry.candidates, question);
        }
      }
      if (end < path.length) hash = step(hash, path.charCodeAt(end));
    }
    return undefined;
  }

  #entryAt(path: string, end: number, hash: number): PrefixEntry | undefined {
    const bucket = this.#prefixes.get(hash);
    if (bucket === undefined) return undefined;
    for (const entry of bucket) {
      if (entry.prefix.length === end && path.startsWith(entry.prefix)) return entry;
    }
    return undefined;
  }

  #listFor({ path }: Candidate): Candidate[] {
    if (path.kind === 'exact') return listIn(this.#exact, path.value);
    if (path.value === '') return this.#root;
    this.#prefixLengthMax = Math.max(this.#prefixLengthMax, path.value.length);
    const bucket = listIn(this.#prefixes, hashOf(path.value));
    const known = bucket.find(({ prefix }) => prefix === path.value);
    if (known !== undefined) return known.candidates;
    const entry: PrefixEntry = { prefix: path.value, candidates: [] };
    bucket.push(entry);
    return entry.candidates;
  }
}

function firstThatHolds(
  candidates: readonly Candidate[],
  question: RouteQuestion,
): Candidate | undefined {
  for (const candidate of candidates) {
    if (conditionsHold(candidate.match, question)) return candidate;
  }
  return undefined;
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made: V[] = [];
  map.set(key, made);
  return made;
}

/** FNV-1a over UTF-16 code units; a collision costs a comparison, never a wrong answer. */
const hashStart = 0x811c9dc5 | 0;

function step(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

function hashOf(text: string): number {
  let hash = hashStart;
  for (let index = 0; index < text.length; index += 1) hash = step(hash, text.charCodeAt(index));
  return hash;
}

const slash = 0x2f;
