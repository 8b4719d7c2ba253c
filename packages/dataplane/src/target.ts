/** What is read off targets and authorities that the codec has taken. No copy where none is needed. */

/** The path of a target in origin-form, without its query. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

/** What follows the `?`; empty if there is none. */
export function queryOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : target.slice(mark + 1);
}

/** An authority without its port. */
export function hostOf(authority: string): string {
  const colon = portColonOf(authority);
  return colon < 0 ? authority : authority.slice(0, colon);
}

/** The port of an authority; undefined if it names none. */
export function portOf(authority: string): number | undefined {
  const colon = portColonOf(authority);
  return colon < 0 ? undefined : Number(authority.slice(colon + 1));
}

/** A name that ends in a dot is the same name, said absolutely. */
export function undotted(authority: string): string {
  return authority.replace(/\.(?=:|$)/, '');
}

/** The last colon, unless it is within the brackets of IPv6. */
function portColonOf(authority: string): number {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? colon : -1;
}
