/** What is wrong with the mere form of a parsed JSON text, and where. */
export interface ShapeFault {
  readonly code: 'TOO_DEEP' | 'FORBIDDEN_KEY';
  readonly path: string;
}

const depthMax = 64;
const forbiddenKeys: readonly string[] = ['__proto__', 'constructor', 'prototype'];

/**
 * Looks for nesting deeper than 64 and for keys through which an object could be made to lie about
 * its prototype (CWE-1321). Undefined if there is neither. Bodies that no schema has seen yet are
 * covered too.
 */
export function shapeFault(value: unknown, path = '', depth = 0): ShapeFault | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= depthMax) return { code: 'TOO_DEEP', path: path.slice(0, 256) };
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index];
      // The path is only built for what can hold a fault: most items of long lists are plain.
      if (typeof item !== 'object' || item === null) continue;
      const fault = shapeFault(item, `${path}/${String(index)}`, depth + 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const [key, member] of Object.entries(value)) {
    if (forbiddenKeys.includes(key)) return { code: 'FORBIDDEN_KEY', path: `${path}/${key}` };
    if (typeof member !== 'object' || member === null) continue;
    const fault = shapeFault(member, `${path}/${key}`, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
