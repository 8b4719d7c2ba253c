/** The control plane's API, as the commands need it. */
import { readFile } from 'node:fs/promises';
import { codeOf, messageOf } from '@leno/std';
import { CheckFailedError, UnreachableError } from './cli-error.ts';
import type { Context } from './env.ts';

/** What the server says of a mistake in a file. */
export interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly path?: string;
  readonly hint?: string;
}

/** The server refused what was sent; the findings say why. */
export class RefusedError extends CheckFailedError {
  readonly findings: readonly Finding[];

  constructor(message: string, findings: readonly Finding[]) {
    super(message);
    this.findings = findings;
  }
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sends the token; needed for everything that changes something. */
  readonly authorized?: boolean;
  readonly timeoutMs?: number;
}

export class ApiClient {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  get address(): string {
    return this.#context.api;
  }

  /** Gives the body of a good answer. Throws `UnreachableError`, or `RefusedError` with findings. */
  async call(path: string, call: Call = {}): Promise<unknown> {
    const token = call.authorized === true ? await this.#token() : undefined;
    const reply = await fetch(new URL(path, this.#context.api), {
      method: call.method ?? 'GET',
      headers: {
        ...call.headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(call.timeoutMs ?? 10_000),
      ...(call.body === undefined ? {} : { body: call.body }),
    }).catch((thrown: unknown) => {
      throw this.#unreachable(thrown);
    });
    const text = await reply.text();
    const body = parse(text);
    if (reply.ok) return body;
    throw refusal(reply.status, body, text);
  }

  async #token(): Promise<string> {
    const file = this.#context.tokenFile;
    const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
      const why = codeOf(thrown) === 'ENOENT' ? 'does not exist' : messageOf(thrown);
      throw new UnreachableError(
        `the API token file ${file} ${why}: start the mesh with "leno up", or name it by --token-file`,
      );
    });
    return text.trim();
  }

  #unreachable(thrown: unknown): UnreachableError {
    const cause = thrown instanceof Error ? thrown.cause : undefined;
    const why = codeOf(cause) || messageOf(thrown);
    return new UnreachableError(
      `no control plane answers at ${this.#context.api} (${why}): start one with "leno up", or name it by --api`,
      { cause: thrown },
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status: number, body: unknown, text: string): RefusedError {
  const problem = isProblem(body) ? body : {};
  const what = problem.detail ?? problem.title ?? text.slice(0, 200);
  return new RefusedError(`${what} (${status})`, problem.findings ?? []);
}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly findings?: readonly Finding[];
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null;
}
