/**
 * Query parameters without a parsed copy of the query: the string is walked in place, and only a
 * part that is escaped is decoded. `+` is a blank and `%XX` a byte of UTF-8, as in
 * application/x-www-form-urlencoded (WHATWG URL §5.1); what is escaped wrongly stands for itself.
 */

/** Whether the first parameter called `name` has exactly this value; later ones do not count. */
export function queryHas(query: string, name: string, value: string): boolean {
  let start = 0;
  while (start < query.length) {
    const mark = query.indexOf('&', start);
    const end = mark < 0 ? query.length : mark;
    const equals = query.indexOf('=', start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (sameDecoded(query, start, nameEnd, name)) {
      return sameDecoded(query, Math.min(nameEnd + 1, end), end, value);
    }
    start = end + 1;
  }
  return false;
}

function sameDecoded(query: string, start: number, end: number, wanted: string): boolean {
  if (!isEscaped(query, start, end)) {
    return end - start === wanted.length && query.startsWith(wanted, start);
  }
  return decoded(query.slice(start, end)) === wanted;
}

function isEscaped(query: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    const unit = query.charCodeAt(index);
    if (unit === percent || unit === plus) return true;
  }
  return false;
}

function decoded(text: string): string {
  const blanks = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(blanks);
  } catch {
    return blanks;
  }
}

const percent = 0x25;
const plus = 0x2b;
