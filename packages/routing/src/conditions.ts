/** What a match asks beside the path: method, headers, query parameters. */

import { queryHas } from './query.ts';
import type { RouteQuestion } from './question.ts';
import type { RouteMatch } from './route.ts';

/** Whether method, headers and query parameters of `match` hold for the request. */
export function conditionsHold(match: RouteMatch, question: RouteQuestion): boolean {
  if (match.method !== undefined && match.method !== question.method) return false;
  for (const condition of match.headers) {
    const value = question.header(condition.name);
    if (value === undefined || !sameFieldValue(value, condition.value)) return false;
  }
  for (const condition of match.query) {
    if (!queryHas(question.query, condition.name, condition.value)) return false;
  }
  return true;
}

/**
 * Whether a field value is the wanted one. Several lines of a header are one value joined by `,`;
 * a join by `, ` says the same (RFC 9110 §5.3), so one blank after a comma may be there or not.
 */
export function sameFieldValue(value: string, wanted: string): boolean {
  if (value === wanted) return true;
  if (!value.includes(',')) return false;
  let at = 0;
  for (let index = 0; index < wanted.length; index += 1) {
    if (value.charCodeAt(at) !== wanted.charCodeAt(index)) return false;
    at += 1;
    if (wanted.charCodeAt(index) !== comma) continue;
    if (value.charCodeAt(at) === blank && wanted.charCodeAt(index + 1) !== blank) at += 1;
  }
  return at === value.length;
}

const comma = 0x2c;
const blank = 0x20;
