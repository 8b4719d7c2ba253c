import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { Fault, Path, Place } from '../findings/finding.ts';

/** What a document is read from. */
export interface DocumentSource {
  readonly file: string;
  readonly yaml: Document;
  readonly lines: LineCounter;
}

/** One document of a text: its value as written, and where each part of it stands. */
export class ConfigDocument {
  readonly file: string;
  /** As written, with the default namespace filled in if one was given. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly #source: DocumentSource;

  constructor(source: DocumentSource, value: Readonly<Record<string, unknown>>) {
    this.file = source.file;
    this.value = value;
    this.#source = source;
  }

  /** Where `path` stands, or the nearest thing around it that exists. */
  placeOf({ path, atKey = false }: Pick<Fault, 'path' | 'atKey'>): Place {
    const { yaml, lines, file } = this.#source;
    const { line, col } = lines.linePos(offsetOf(yaml, path, atKey));
    return { file, line, column: col };
  }
}

function offsetOf(yaml: Document, path: Path, atKey: boolean): number {
  let node: Node | null = yaml.contents;
  let offset = startOf(node) ?? yaml.range?.[0] ?? 0;
  for (const [depth, part] of path.entries()) {
    const child = childOf(yaml, node, part);
    if (child === undefined) return offset;
    const isLast = depth === path.length - 1;
    offset = (isLast && atKey ? child.keyOffset : startOf(child.node)) ?? child.keyOffset ?? offset;
    node = child.node;
  }
  return offset;
}

interface Child {
  readonly node: Node | null;
  readonly keyOffset: number | undefined;
}

function childOf(yaml: Document, node: Node | null, part: string | number): Child | undefined {
  const resolved = isAlias(node) ? (node.resolve(yaml) ?? null) : node;
  if (isSeq<Node>(resolved) && typeof part === 'number') {
    const item = resolved.items[part];
    return item === undefined ? undefined : { node: item, keyOffset: undefined };
  }
  if (!isMap<Node, Node | null>(resolved)) return undefined;
  const pair = resolved.items.find(
    ({ key }) => isScalar(key) && String(key.value) === String(part),
  );
  return pair === undefined ? undefined : { node: pair.value, keyOffset: startOf(pair.key) };
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}
