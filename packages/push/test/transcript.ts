/** The small language of the golden transcripts: one event a line, and after `->` what it leads to. */
import { readFileSync } from 'node:fs';
import { type Resource, viewDigest } from '@leno/config';
import type { Have } from '../src/messages/revision.ts';
import type { ApplyError, View } from '../src/messages/view.ts';

/** One transcript, read from a file of them. */
export interface Transcript {
  readonly name: string;
  readonly lines: readonly TranscriptLine[];
}
/** What happens when, and what is expected, in words. */
export interface TranscriptLine {
  readonly atMs: number;
  readonly words: readonly string[];
  readonly expected: string;
  readonly source: string;
}

/** `# name` begins a transcript; `1500 welcome current 1.3 -> …` is a line of one. */
export function readTranscripts(file: string): readonly Transcript[] {
  const text = readFileSync(new URL(`../testdata/${file}`, import.meta.url), 'utf8');
  const transcripts: { name: string; lines: TranscriptLine[] }[] = [];
  for (const source of text.split('\n')) {
    if (source.startsWith('# ')) transcripts.push({ name: source.slice(2), lines: [] });
    const [left = '', right = ''] = source.split('->');
    const [at, ...words] = left.trim().split(/\s+/);
    if (source.startsWith('#') || at === undefined || words.length === 0) continue;
    const line = { atMs: Number(at), words, expected: right.trim(), source };
    transcripts.at(-1)?.lines.push(line);
  }
  return transcripts;
}

/** `a@1` is a service in a bundle of its own, `x:a@1` one in bundle x, `?a@1` of an unknown type. */
export function resourcesOf(words: readonly string[]): readonly Resource[] {
  return words.map((word) => {
    const [, bundle, unknown, name = '', version] =
      /^(?:(\w+):)?(\?)?(\w+)@(\d+)$/.exec(word) ?? [];
    const type = (unknown === undefined ? 'service' : 'strange') as 'service';
    const hash = `${name}${String(version)}`;
    return { type, name, version: Number(version), hash, bundle: bundle ?? name, body: {} };
  });
}

/** The same in words, sorted. */
export function namesOf(
  resources: readonly { readonly name: string; readonly version: number }[],
): string {
  return resources
    .map((it) => `${it.name}@${String(it.version)}`)
    .sort()
    .join(' ');
}

/** `1.3` is epoch 1, version 3. */
export function revisionOf(word = ''): { readonly epoch: number; readonly version: number } {
  const [epoch, version] = word.split('.').map(Number);
  return { epoch: epoch ?? 0, version: version ?? 0 };
}

/** `1.3 a@1 b@2` */
export function viewOf(words: readonly string[]): View {
  const resources = resourcesOf(words.slice(1));
  return { ...revisionOf(words[0]), digest: viewDigest(resources), resources };
}

/** `none`, or a view of which only the revision and the digest count. */
export function haveOf(words: readonly string[]): Have | null {
  if (words[0] === 'none') return null;
  const { epoch, version, digest } = viewOf(words);
  return { epoch, version, digest };
}

/** Errors that name these resources. */
export function errorsOf(words: readonly string[]): ApplyError[] {
  return resourcesOf(words).map(({ type, name, version }) => {
    return { type, name, version, code: 'INVALID', path: '/x', msg: 'bad' };
  });
}

/** `1.3` */
export function revisionText(revision: Have | { epoch: number; version: number } | null): string {
  return revision === null ? 'none' : `${String(revision.epoch)}.${String(revision.version)}`;
}
