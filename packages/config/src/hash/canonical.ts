import { assert } from '@leno/std';
import { sha256Hex } from './sha256.ts';

/**
 * JSON of which there is one spelling per value: members sorted by UTF-16 code units, no blanks,
 * members that are undefined left out (RFC 8785). A number that is not finite, a function or a
 * symbol is a bug of the caller and asserted against.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return scalarJson(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** `sha256:` and the SHA-256 of the canonical JSON: equal for values that mean the same. */
export function canonicalHash(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}

function scalarJson(value: unknown): string {
  assert(typeof value !== 'number' || Number.isFinite(value), 'a number in JSON is finite');
  const json: string | undefined = JSON.stringify(value);
  assert(json !== undefined, `a ${typeof value} has no JSON`);
  return json;
}
