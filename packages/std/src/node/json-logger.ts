import { systemClock } from '../clock.ts';

/** From the most talkative to the most silent; `silent` writes nothing. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** One of `logLevels`. */
export type LogLevel = (typeof logLevels)[number];

/** What goes into a line beside time, level and message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** How a logger is made; every field has a default. */
export interface LoggerOptions {
  /** What is below it is not written. Default `info`. */
  readonly level?: LogLevel;
  /** In every line. */
  readonly fields?: LogFields;
  /** Takes a whole line, newline included. Default: standard error. */
  readonly write?: (line: string) => void;
  /** Default: the wall. */
  readonly wallMs?: () => number;
}

const lineCharsMax = 16_384;
const secretName = /token|secret|passw|passphrase|authorization|cookie|credential|private/i;
const secretText =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const depthMax = 6;

/**
 * Operational log as JSON lines: `{"time","level","msg",…fields}`. For people and collectors, not
 * for requests (those have the access log). A field whose name says secret, and a private key in
 * any text, are written as `[redacted]`; a line longer than 16,384 characters loses its fields.
 * Logging never throws.
 */
export class JsonLogger {
  #level: LogLevel;
  readonly #fields: LogFields;
  readonly #write: (line: string) => void;
  readonly #wallMs: () => number;

  constructor(options: LoggerOptions = {}) {
    this.#level = options.level ?? 'info';
    this.#fields = options.fields ?? {};
    this.#write = options.write ?? ((line) => void process.stderr.write(line));
    this.#wallMs = options.wallMs ?? (() => systemClock.wallMs());
  }

  get level(): LogLevel {
    return this.#level;
  }

  /** Takes effect from the next line; children made before keep their own. */
  set level(level: LogLevel) {
    this.#level = level;
  }

  /** A logger with more fields in every line. */
  child(fields: LogFields): JsonLogger {
    return new JsonLogger({
      level: this.#level,
      fields: { ...this.#fields, ...fields },
      write: this.#write,
      wallMs: this.#wallMs,
    });
  }

  debug(msg: string, fields?: LogFields): void {
    this.#log('debug', msg, fields);
  }

  info(msg: string, fields?: LogFields): void {
    this.#log('info', msg, fields);
  }

  warn(msg: string, fields?: LogFields): void {
    this.#log('warn', msg, fields);
  }

  error(msg: string, fields?: LogFields): void {
    this.#log('error', msg, fields);
  }

  #log(level: LogLevel, msg: string, fields: LogFields | undefined): void {
    if (logLevels.indexOf(level) < logLevels.indexOf(this.#level)) return;
    const head = { time: new Date(this.#wallMs()).toISOString(), level, msg: redactText(msg) };
    this.#write(`${render(head, { ...this.#fields, ...fields })}\n`);
  }
}

function render(head: LogFields, fields: LogFields): string {
  try {
    const line = JSON.stringify({ ...head, ...(plain(fields, 0) as LogFields), ...head });
    if (line.length <= lineCharsMax) return line;
  } catch {
    // A getter or toJSON of a field threw; the message still gets out.
  }
  const msg = String(head['msg']).slice(0, lineCharsMax / 2);
  return JSON.stringify({ ...head, msg, fieldsDropped: true });
}

/** A copy that JSON can hold and that carries no secret; depth and cycles end at `depthMax`. */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= depthMax) return '[deep]';
  if (value instanceof Error) return plain(errorFields(value), depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((it) => plain(it, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [name, it] of Object.entries(value)) {
    copy[name] = secretName.test(name) ? '[redacted]' : plain(it, depth + 1);
  }
  return copy;
}

function errorFields(error: Error): LogFields {
  const code = 'code' in error ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: error.cause };
  return { name: error.name, message: error.message, ...code, ...cause };
}

function redactText(text: string): string {
  return text.includes('PRIVATE KEY') ? text.replace(secretText, '[redacted]') : text;
}
