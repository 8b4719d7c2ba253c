import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { codeOf, messageOf } from '@leno/std';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { ApiClient, type Finding, RefusedError } from '../api-client.ts';
import { CheckFailedError, UsageError } from '../cli-error.ts';
import { readContext } from '../env.ts';
import { renderFindings } from '../output/findings.ts';
import type { OutputForm } from '../output/table.ts';

interface ApplyOptions {
  readonly file: readonly string[];
  readonly dryRun?: boolean;
  readonly wait: string | false;
  readonly output: OutputForm;
}

interface Applied {
  readonly version: number;
  readonly dryRun: boolean;
  readonly results: readonly {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly action: string;
  }[];
  readonly findings: readonly Finding[];
  readonly wait: null | {
    readonly converged: boolean;
    readonly waitedMs: number;
    readonly connected: number;
    readonly acked: number;
    readonly late: readonly string[];
    readonly rejected: readonly {
      readonly proxy: string;
      readonly errors: readonly { type: string; name: string; path: string; msg: string }[];
    }[];
  };
}

interface Source {
  readonly name: string;
  readonly text: string;
}

/** `leno apply`: all files in one transaction. Exit code 1 if refused, or if a proxy rejected it. */
export async function apply(options: ApplyOptions, command: Command): Promise<void> {
  const client = new ApiClient(await readContext(command.optsWithGlobals()));
  const sources = (await Promise.all(options.file.map(readSources))).flat();
  const { body, origin } = joinSources(sources);
  const query = new URLSearchParams();
  if (options.dryRun === true) query.set('dryRun', 'true');
  else if (options.wait !== false) query.set('wait', options.wait);
  try {
    const answer = (await client.call(`/v1/apply?${query.toString()}`, {
      method: 'POST',
      authorized: true,
      body,
      headers: {
        'content-type': 'application/yaml',
        'x-leno-file': encodeURI(sources.length === 1 ? (sources[0]?.name ?? '') : 'input'),
      },
      timeoutMs: 75_000,
    })) as Applied;
    report(answer, options, origin);
  } catch (thrown) {
    if (!(thrown instanceof RefusedError) || thrown.findings.length === 0) throw thrown;
    process.stderr.write(`${renderFindings(thrown.findings.map(origin))}\n`);
    const count = thrown.findings.filter(({ severity }) => severity === 'error').length;
    throw new CheckFailedError(`refused for ${count} mistake(s); nothing was applied`);
  }
}

function report(answer: Applied, options: ApplyOptions, origin: (it: Finding) => Finding): void {
  if (options.output === 'json') process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else if (options.output === 'yaml') process.stdout.write(stringify(answer));
  else {
    for (const { kind, namespace, name, action } of answer.results) {
      process.stdout.write(`${kind}/${namespace}/${name} ${action}\n`);
    }
    if (answer.findings.length > 0) {
      process.stderr.write(`${renderFindings(answer.findings.map(origin))}\n`);
    }
    const { wait } = answer;
    if (wait !== null) {
      const how = wait.converged ? 'live' : 'not everywhere yet';
      process.stdout.write(
        `v${answer.version} ${how}: ${wait.acked}/${wait.connected} proxies after ${Math.round(wait.waitedMs)} ms\n`,
      );
    } else {
      process.stdout.write(`v${answer.version} ${answer.dryRun ? 'checked only' : 'stored'}\n`);
    }
  }
  failIfNotEverywhere(answer.wait);
}

function failIfNotEverywhere(wait: Applied['wait']): void {
  if (wait === null || wait.converged) return;
  const rejections = wait.rejected.flatMap(({ proxy, errors }) =>
    errors.map(({ type, name, path, msg }) => `${proxy} rejected ${type}/${name} ${path}: ${msg}`),
  );
  const late = wait.late.length === 0 ? [] : [`no answer yet from ${wait.late.join(', ')}`];
  throw new CheckFailedError([...rejections, ...late].join('\n'));
}

async function readSources(path: string): Promise<readonly Source[]> {
  if (path === '-') return [{ name: 'stdin', text: await readAll(process.stdin) }];
  try {
    if (!(await stat(path)).isDirectory())
      return [{ name: path, text: await readFile(path, 'utf8') }];
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    if (names.length === 0) throw new UsageError(`${path} holds no .yaml, .yml or .json file`);
    return await Promise.all(
      names.map(async (name) => {
        const file = join(path, name);
        return { name: file, text: await readFile(file, 'utf8') };
      }),
    );
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    const why = codeOf(thrown) === 'ENOENT' ? 'does not exist' : messageOf(thrown);
    throw new UsageError(`${path} ${why}`);
  }
}

/**
 * Several files as one body, so that they are applied together; `origin` leads a finding back from
 * the line of the whole to the file and line where it was written.
 */
function joinSources(sources: readonly Source[]): {
  readonly body: string;
  readonly origin: (finding: Finding) => Finding;
} {
  if (sources.length === 1) return { body: sources[0]?.text ?? '', origin: (it) => it };
  const starts: { readonly name: string; readonly line: number }[] = [];
  const lines: string[] = [];
  for (const { name, text } of sources) {
    if (lines.length > 0) lines.push('---');
    starts.push({ name, line: lines.length });
    lines.push(...text.replace(/\n$/, '').split('\n'));
  }
  const origin = (finding: Finding): Finding => {
    const { line } = finding;
    const start = line === undefined ? undefined : starts.findLast((it) => it.line < line);
    if (line === undefined || start === undefined) return finding;
    return { ...finding, file: start.name, line: line - start.line };
  };
  return { body: `${lines.join('\n')}\n`, origin };
}
