import { codes, docsOf, type LnCode, type Severity } from './codes.ts';

/** The way to a value inside a document. */
export type Path = readonly (string | number)[];

/** Something about configuration that its author should know, and where it stands. */
export interface Finding {
  readonly code: LnCode;
  readonly severity: Severity;
  /** Absent, with `line` and `column`, for an object that came from no text. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** As in `spec.rules[0].backendRefs[1].port`; empty for the document itself. */
  readonly path: string;
  /** The object concerned, as in `HTTPRoute default/catalog`, if it is known. */
  readonly subject?: string;
  readonly message: string;
  /** The offending value if it is a scalar; long strings are cut. */
  readonly value?: unknown;
  /** The nearest valid name, if one is near. */
  readonly hint?: string;
  /** The page of the code. */
  readonly docs: string;
}

/** What a check has found, before it is known where that stands in a text. */
export interface Fault {
  readonly code: LnCode;
  readonly path: Path;
  readonly message: string;
  readonly value?: unknown;
  readonly hint?: string | undefined;
  /** Points at the name of the last field, not at its value. */
  readonly atKey?: boolean;
}

/** Where a fault stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A fault as it is shown. */
export function findingOf(fault: Fault, subject?: string, place?: Place): Finding {
  const { code, message, hint } = fault;
  const value = shown(fault.value);
  return {
    code,
    severity: codes[code].severity,
    ...place,
    path: pathText(fault.path),
    ...(subject === undefined ? {} : { subject }),
    message,
    ...(value === undefined ? {} : { value }),
    ...(hint === undefined ? {} : { hint }),
    docs: docsOf(code),
  };
}

/** One line for a terminal: `file:line:column: LN#### severity: message`. */
export function findingText(finding: Finding): string {
  const { file, line, column, code, severity, message, hint, subject, path } = finding;
  const where = file === undefined ? `${subject ?? '-'} ${path}` : `${file}:${line}:${column}`;
  const suffix = hint === undefined ? '' : ` (did you mean ${hint}?)`;
  return `${where}: ${code} ${severity}: ${message}${suffix}`;
}

/** A path as people write it. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

const shownLengthMax = 200;

function shown(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.length > shownLengthMax ? `${value.slice(0, shownLengthMax)}…` : value;
  }
  return value === null || typeof value === 'object' ? undefined : value;
}
