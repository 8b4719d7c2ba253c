/**
 * Plays hardening corpora: files of cases as data, whose member `corpus` names the format.
 *
 *   arguments ──▶ files ──▶ format checked ──▶ cases played ──▶ a line each, the sum, the exit code
 *
 * Nothing about a particular file, id or number of cases is known here. A file that does not fit
 * its format is an error, which ends the run before any case is played.
 */
import * as z from 'zod';
import { HashVectors } from './hash-vectors-format.ts';
import { judgeHashVectors } from './judge-hash-vectors.ts';

/** The files and the output of the machine. */
export interface CorpusPorts {
  readonly read: (path: string) => string;
  readonly write: (path: string, text: string) => void;
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** 0 if nothing failed, 1 if something did, 2 if a file could not be used or has no cases. */
export type ExitCode = 0 | 1 | 2;

interface Result {
  readonly file: string;
  readonly id: string;
  readonly verdict: 'PASS' | 'FAIL' | 'SKIP';
  readonly reason?: string;
}

/** One case, ready to be played. */
interface Play {
  readonly file: string;
  readonly id: string;
  readonly judge: () => string | undefined;
}

class UnusableError extends Error {}

const usage = 'usage: hardening FILE [FILE …] [--only TEXT] [--report FILE]';
const Corpus = z.looseObject({ corpus: z.string(), schemaVersion: z.literal(1) });

/** Plays what the arguments ask for. */
export function runCorpora(args: readonly string[], ports: CorpusPorts): ExitCode {
  try {
    const { files, only, report } = parsed(args);
    const plays = files
      .flatMap((file) => playsOf(file, ports))
      .filter((it) => it.id.includes(only));
    if (plays.length === 0) throw new UnusableError(`no case's id contains ${only}`);
    const results = plays.map((it) => played(it, ports));
    const sum = sumOf(results);
    if (report !== undefined) {
      attempt(report, () =>
        ports.write(report, `${JSON.stringify({ ...sum, results }, null, 2)}\n`),
      );
    }
    const { passed, failed, skipped } = sum;
    ports.say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed === 0 ? 0 : 1;
  } catch (thrown) {
    if (!(thrown instanceof UnusableError)) throw thrown;
    ports.complain(thrown.message);
    return 2;
  }
}

function parsed(args: readonly string[]): {
  readonly files: readonly string[];
  readonly only: string;
  readonly report: string | undefined;
} {
  const files: string[] = [];
  const values = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (!arg.startsWith('--')) {
      files.push(arg);
      continue;
    }
    const value = args[at + 1];
    const isKnown = arg === '--only' || arg === '--report';
    if (!isKnown || value === undefined) throw new UnusableError(`${arg}? ${usage}`);
    values.set(arg, value);
    at += 1;
  }
  if (files.length === 0) throw new UnusableError(usage);
  return { files, only: values.get('--only') ?? '', report: values.get('--report') };
}

function playsOf(file: string, { read }: CorpusPorts): readonly Play[] {
  const value = attempt(file, () => JSON.parse(read(file)) as unknown);
  const { corpus } = fitting(file, Corpus, value);
  if (corpus !== 'hash-vectors') throw new UnusableError(`${file}: corpus ${corpus}: not yet`);
  return fitting(file, HashVectors, value).cases.map((it) => ({
    file,
    id: it.id,
    judge: () => judgeHashVectors(it),
  }));
}

function fitting<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new UnusableError(`${file} does not fit its format:\n${z.prettifyError(result.error)}`);
}

/** A crash is a failure of the case, not of the run. */
function played({ file, id, judge }: Play, { say }: CorpusPorts): Result {
  let reason: string | undefined;
  try {
    reason = judge();
  } catch (thrown) {
    reason = `threw ${String(thrown)}`;
  }
  const verdict = reason === undefined ? 'PASS' : 'FAIL';
  say(reason === undefined ? `PASS ${id}` : `FAIL ${id}: ${reason.replaceAll('\n', ' ')}`);
  return reason === undefined ? { file, id, verdict } : { file, id, verdict, reason };
}

function sumOf(results: readonly Result[]): {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
} {
  const count = (verdict: Result['verdict']): number =>
    results.filter((it) => it.verdict === verdict).length;
  return { passed: count('PASS'), failed: count('FAIL'), skipped: count('SKIP') };
}

function attempt<Value>(file: string, run: () => Value): Value {
  try {
    return run();
  } catch (thrown) {
    throw new UnusableError(`${file}: ${String(thrown)}`);
  }
}
