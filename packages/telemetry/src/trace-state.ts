/** One vendor's entry in a tracestate. */
export interface TraceStateMember {
  readonly key: string;
  readonly value: string;
}

const memberCountMax = 32;
const keyPattern =
  /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const valuePattern = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * Parses a tracestate (several fields joined by commas): at most 32 members, no key twice, empty
 * members skipped. Undefined if anything is wrong, and then the whole of it is dropped
 * (W3C Trace Context §3.3.1).
 */
export function parseTracestate(text: string): TraceStateMember[] | undefined {
  const members: TraceStateMember[] = [];
  const keys = new Set<string>();
  for (const piece of text.split(',')) {
    const member = piece.replace(/^[ \t]+|[ \t]+$/g, '');
    if (member === '') continue;
    const equalsAt = member.indexOf('=');
    const key = member.slice(0, Math.max(0, equalsAt));
    const value = member.slice(equalsAt + 1);
    if (!keyPattern.test(key) || !valuePattern.test(value) || keys.has(key)) return undefined;
    keys.add(key);
    members.push({ key, value });
  }
  return members.length <= memberCountMax ? members : undefined;
}

/** Sets one member, which moves to the front; the last one leaves if there are too many (§3.3.1.5). */
export function withTracestate(
  members: readonly TraceStateMember[],
  member: TraceStateMember,
): TraceStateMember[] {
  const others = members.filter((it) => it.key !== member.key);
  return [member, ...others].slice(0, memberCountMax);
}

/** The field value. */
export function formatTracestate(members: readonly TraceStateMember[]): string {
  return members.map((it) => `${it.key}=${it.value}`).join(',');
}
