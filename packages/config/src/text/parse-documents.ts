/**
 * Text to documents with positions. YAML 1.2 with one or many documents, and therefore JSON. Strict
 * where readers of YAML differ: a field that stands twice, an unknown tag or a flood of aliases
 * is a finding, and the document it stands in is not returned.
 */
import { messageOf } from '@leno/std';
import { type Document, LineCounter, parseAllDocuments, type YAMLError } from 'yaml';
import type { LnCode } from '../findings/codes.ts';
import { type Finding, findingOf } from '../findings/finding.ts';
import { ConfigDocument } from './config-document.ts';

/** Characters of text that are looked at; more is one LN0005. */
export const textLengthMax = 4_194_304;
/** Documents of one text that are looked at; more is one LN0005. */
export const documentCountMax = 5_000;
/** Syntax errors that are told of one document. */
const problemCountMax = 5;
const aliasCountMax = 100;

/** What a text holds. */
export interface ParsedText {
  readonly documents: readonly ConfigDocument[];
  readonly findings: readonly Finding[];
}

/** How a text is read. */
export interface ParseOptions {
  /** Written into each object that names no namespace. Default: left to the schema (`default`). */
  readonly namespace?: string;
}

/** Reads `text`; `file` names it in findings. Never throws for bad input. Empty documents are skipped. */
export function parseDocuments(text: string, file: string, options: ParseOptions = {}): ParsedText {
  const start = { file, line: 1, column: 1 };
  const tooLarge = (message: string) => ({
    documents: [],
    findings: [findingOf({ code: 'LN0005', path: [], message }, undefined, start)],
  });
  if (text.length > textLengthMax) return tooLarge(`more than ${textLengthMax} characters`);
  const lines = new LineCounter();
  let parsed: readonly Document[];
  try {
    parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: true,
    });
  } catch (thrown) {
    // The parser descends by recursion: nesting without end exhausts its stack.
    return tooLarge(`nested too deeply (${messageOf(thrown)})`);
  }
  if (parsed.length > documentCountMax) return tooLarge(`more than ${documentCountMax} documents`);
  const documents: ConfigDocument[] = [];
  const findings: Finding[] = [];
  for (const yaml of parsed) {
    const read = readDocument({ file, yaml, lines }, options);
    if (read.document !== undefined) documents.push(read.document);
    findings.push(...read.findings);
  }
  return { documents, findings };
}

interface Source {
  readonly file: string;
  readonly yaml: Document;
  readonly lines: LineCounter;
}
interface ReadDocument {
  readonly document?: ConfigDocument;
  readonly findings: readonly Finding[];
}

function readDocument(source: Source, options: ParseOptions): ReadDocument {
  const { yaml } = source;
  const problems: YAMLError[] = [...yaml.errors, ...yaml.warnings];
  if (problems.length > 0) {
    // One slip makes many: what follows the first few says nothing.
    const first = problems.slice(0, problemCountMax);
    return { findings: first.map((it) => syntaxFinding(source, it)) };
  }
  if (yaml.contents === null) return { findings: [] };
  let value: unknown;
  try {
    value = yaml.toJS({ maxAliasCount: aliasCountMax });
  } catch (thrown) {
    // Either an alias of nothing, or more aliases than anybody writes by hand.
    const message = messageOf(thrown);
    const code = message.includes('alias count') ? 'LN0005' : 'LN0001';
    return { findings: [at(source, yaml.range?.[0] ?? 0, code, message)] };
  }
  if (value === null) return { findings: [] };
  if (!isRecord(value)) {
    const start = yaml.contents.range?.[0] ?? yaml.range?.[0] ?? 0;
    return {
      findings: [at(source, start, 'LN0002', 'expected an object with apiVersion and kind')],
    };
  }
  return { document: new ConfigDocument(source, inNamespace(value, options)), findings: [] };
}

function inNamespace(value: Record<string, unknown>, { namespace }: ParseOptions): typeof value {
  const { metadata, kind } = value;
  if (namespace === undefined || kind === 'MeshConfig' || !isRecord(metadata)) return value;
  return 'namespace' in metadata ? value : { ...value, metadata: { ...metadata, namespace } };
}

function syntaxFinding(source: Source, problem: YAMLError): Finding {
  const [offset] = problem.pos;
  if (problem.code === 'RESOURCE_EXHAUSTION') {
    return at(source, offset, 'LN0005', 'nested too deeply');
  }
  const code = problem.code === 'DUPLICATE_KEY' ? 'LN0003' : 'LN0001';
  return at(source, offset, code, problem.message);
}

function at(source: Source, offset: number, code: LnCode, message: string): Finding {
  const { line, col } = source.lines.linePos(offset);
  return findingOf({ code, path: [], message }, undefined, {
    file: source.file,
    line,
    column: col,
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
