/**
 * Plays hardening corpora: files of cases as data, whose member `corpus` names the format.
 *
 *   arguments ──▶ files ──▶ format checked ──▶ cases played ──▶ a line each, the sum, the exit code
 *
 * Nothing about a particular file, id or number of cases is known here. A file that does not fit
 * its format is an error, which ends the run before any case is played.
 */
import type { AccessBed } from './access/access-bed.ts';
import { BackendPlays } from './backend/backend-plays.ts';
import type { Bed } from './bed/bed.ts';
import { backendPlaysOf, type Play, playsOf, type SharedBeds } from './plays.ts';
import { UnusableError } from './unusable-error.ts';
import type { Verdict } from './verdict.ts';

/** The files and the output of the machine. */
export interface CorpusPorts {
  readonly read: (path: string) => string;
  readonly write: (path: string, text: string) => void;
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  /** A proxy and its upstreams; `named` are ports that requests may write behind a host. */
  readonly openBed: (named: readonly number[]) => Promise<Bed>;
  /** A proxy with an identity, its control plane and its application. */
  readonly openAccess: () => Promise<AccessBed>;
}

/** 0 if nothing failed, 1 if something did, 2 if a file could not be used or has no cases. */
export type ExitCode = 0 | 1 | 2;

interface Result {
  readonly file: string;
  readonly id: string;
  readonly verdict: 'PASS' | 'FAIL' | 'SKIP';
  readonly reason?: string;
}

const usage = 'usage: hardening FILE [FILE …] [--only TEXT] [--report FILE] [--backend all|NAME,…]';

/** Plays what the arguments ask for. */
export async function runCorpora(args: readonly string[], ports: CorpusPorts): Promise<ExitCode> {
  try {
    const { files, only, report, backend } = parsed(args);
    const texts = files.map((file) => ({ file, text: attempt(file, () => ports.read(file)) }));
    const named = portsNamedIn(texts);
    const backends = new BackendPlays(named);
    const plays = texts
      .flatMap(({ file, text }) =>
        backend === undefined
          ? playsOf(file, text)
          : backendPlaysOf(file, text, { names: backend, plays: backends }),
      )
      .filter((it) => it.id.includes(only));
    if (plays.length === 0) throw new UnusableError(`no case's id contains ${only}`);
    const results = await playAll(plays, { named, backends }, ports);
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

/** One after the other; the bed is opened for the first that wants it, and shared. */
async function playAll(
  plays: readonly Play[],
  { named, backends }: { readonly named: readonly number[]; readonly backends: BackendPlays },
  { say, openBed, openAccess }: CorpusPorts,
): Promise<readonly Result[]> {
  const opened = new Map<string, Promise<Bed | AccessBed>>();
  const shared = <T extends Bed | AccessBed>(name: string, open: () => Promise<T>) => {
    return (): Promise<T> => {
      const known = opened.get(name) as Promise<T> | undefined;
      const bed = known ?? open();
      opened.set(name, bed);
      return bed;
    };
  };
  const beds: SharedBeds = {
    http: shared('http', () => openBed(named)),
    access: shared('access', openAccess),
  };
  const results: Result[] = [];
  try {
    for (const play of plays) {
      const result = await played(play, beds);
      const reason = result.reason === undefined ? '' : `: ${result.reason}`;
      say(`${result.verdict} ${result.id}${reason.replaceAll(/\s+/g, ' ')}`);
      results.push(result);
    }
  } finally {
    for (const bed of opened.values()) await (await bed.catch(() => undefined))?.close();
    await backends.close();
  }
  return results;
}

/** The hosts of the bed answer on any port: those that the files write. */
function portsNamedIn(texts: readonly { readonly text: string }[]): readonly number[] {
  const found = texts.flatMap(({ text }) => [
    ...text.matchAll(/(?:svc|other)\.local\.?:(\d{1,5})(?!\d)/gi),
  ]);
  const ports = found.map((it) => Number(it[1])).filter((it) => it >= 1 && it <= 65_535);
  return [...new Set(ports)];
}

function parsed(args: readonly string[]): {
  readonly files: readonly string[];
  readonly only: string;
  readonly report: string | undefined;
  readonly backend: string | undefined;
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
    const isKnown = ['--only', '--report', '--backend'].includes(arg);
    if (!isKnown || value === undefined) throw new UnusableError(`${arg}? ${usage}`);
    values.set(arg, value);
    at += 1;
  }
  if (files.length === 0) throw new UnusableError(usage);
  return {
    files,
    only: values.get('--only') ?? '',
    report: values.get('--report'),
    backend: values.get('--backend'),
  };
}

/** A crash is a failure of the case, not of the run. */
async function played({ file, id, judge }: Play, beds: SharedBeds): Promise<Result> {
  try {
    const verdict: Verdict = await judge(beds);
    return { file, id, ...verdict };
  } catch (thrown) {
    return { file, id, verdict: 'FAIL', reason: `threw ${String(thrown)}` };
  }
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
