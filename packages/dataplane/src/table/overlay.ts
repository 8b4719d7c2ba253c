/** `base` with what `over` says in its place; what `over` leaves undefined stays as it was. */
export function overlay<T extends object>(
  base: T,
  over: { readonly [Key in keyof T]?: T[Key] | undefined } | undefined,
): T {
  if (over === undefined) return base;
  const said = Object.entries(over).filter(
    ([key, value]) => value !== undefined && Object.hasOwn(base, key),
  );
  return { ...base, ...Object.fromEntries(said) };
}
