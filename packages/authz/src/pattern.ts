/** Names with at most one `*`, at the beginning or the end; every other character is literal. */
export type Pattern =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly text: string }
  | undefined;

/** The pattern that `text` writes; undefined if it has a `*` elsewhere, or several. */
export function parsePattern(text: string): Pattern {
  const star = text.indexOf('*');
  if (star < 0) return { kind: 'exact', text };
  if (text.includes('*', star + 1)) return undefined;
  if (star === text.length - 1) return { kind: 'prefix', text: text.slice(0, -1) };
  return star === 0 ? { kind: 'suffix', text: text.slice(1) } : undefined;
}

/** Whether `name` is what the pattern says. */
export function fits(name: string, pattern: NonNullable<Pattern>): boolean {
  switch (pattern.kind) {
    case 'exact':
      return name === pattern.text;
    case 'prefix':
      return name.startsWith(pattern.text);
    default:
      return name.endsWith(pattern.text);
  }
}
