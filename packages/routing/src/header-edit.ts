import type { HeaderEdit } from './route.ts';

/** Where header fields can be changed; names are in lower case. */
export interface EditableHeaders {
  /** Replaces every line of that name by one. */
  set(name: string, value: string): void;
  /** Adds a line after those that are there. */
  append(name: string, value: string): void;
  remove(name: string): void;
}

/** Removes, then sets, then adds, so that a name in several lists ends with what was added. */
export function applyHeaderEdit(edit: HeaderEdit, headers: EditableHeaders): void {
  for (const name of edit.remove) headers.remove(name);
  for (const [name, value] of edit.set) headers.set(name, value);
  for (const [name, value] of edit.add) headers.append(name, value);
}
