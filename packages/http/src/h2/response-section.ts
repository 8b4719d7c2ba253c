/** Reply heads as HTTP/2 says them (RFC 9113 §8.3.2), and trailers (§8.1). */
import type { ResponseHead } from '../exchange.ts';
import { FORBIDDEN_TRAILERS } from '../field-kind.ts';
import type { FieldList } from '../fields.ts';
import { numberOf } from '../octets.ts';
import { headTooLarge, isRefusal, malformed, type Refusal, tooManyFields } from '../refusal.ts';
import { FieldSection } from './field-section.ts';
import type { FieldBlock } from './hpack/field-block.ts';

const badStatus = malformed(':status is not one of three digits, and the only pseudo-header field');
const badInterim = malformed('an interim reply ends its stream, or has a length');
const switching = malformed('101 has no meaning in HTTP/2');
const shortBody = malformed('Content-Length says more than there is');
const pseudoTrailer = malformed('a trailer section has a pseudo-header field');

/** What belongs to the request. */
export interface ResponseRules {
  readonly method: string;
  readonly fieldCountMax: number;
  /** Whether the stream ends with this head. */
  readonly ends: boolean;
}

/** The reply head that `block` makes, interim ones included, or why it is malformed. */
export function readResponse(block: FieldBlock, rules: ResponseRules): ResponseHead | Refusal {
  if (block.isTooLarge) return headTooLarge;
  const section = new FieldSection('response');
  const fields = section.read(block);
  if (isRefusal(fields)) return fields;
  if (section.fieldCount > rules.fieldCountMax) return tooManyFields;
  const { contentLength } = section;
  const status = statusOf(section);
  if (status === 0) return badStatus;
  if (status === 101) return switching;
  if (status < 200) {
    if (rules.ends) return badInterim;
    return { status, fields, contentLength: 0 };
  }
  if (hasNoBody(rules.method, status)) {
    return { status, fields, contentLength: status === 204 ? 0 : contentLength };
  }
  if (!rules.ends) return { status, fields, contentLength };
  return (contentLength ?? 0) > 0 ? shortBody : { status, fields, contentLength: 0 };
}

/** Whether a reply has no body whatever its length says (RFC 9110 §6.4.1). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** The trailers that `block` makes, without those that mean nothing good there. */
export function readTrailers(block: FieldBlock, trailerCountMax: number): FieldList | Refusal {
  if (block.isTooLarge) return headTooLarge;
  const section = new FieldSection('response');
  const fields = section.read(block);
  if (isRefusal(fields)) return fields;
  if (section.pseudoCount > 0) return pseudoTrailer;
  if (section.fieldCount > trailerCountMax) return tooManyFields;
  for (const name of FORBIDDEN_TRAILERS) fields.remove(name);
  return fields;
}

function statusOf(section: FieldSection): number {
  const { status } = section;
  if (status === undefined || status.length !== 3 || section.pseudoCount > 1) return 0;
  const value = numberOf(status, 3);
  return value >= 100 && value < 600 ? value : 0;
}
