/**
 * The last config that was applied, on disk, so that a proxy restarts without its control plane
 * (push protocol P4). Two generations, each one JSON line and a line with its SHA-256; written beside and renamed
 * into place, so that a crash at any moment leaves a whole file. A file that is not whole is moved
 * aside under a name that says so, and the generation before it is used.
 */
import { createHash } from 'node:crypto';
import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Resource } from '@leno/config';
import { codeOf, messageOf, systemClock } from '@leno/std';
import { writeFileAtomic } from '@leno/std/node';

const CURRENT = 'config.json';
const PREVIOUS = 'config.previous.json';

/** A view as it was applied, and when. */
export interface StoredView {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  readonly savedAtMs: number;
  readonly resources: readonly Resource[];
  /** As in `PushedView`. */
  readonly lostBundles?: readonly string[] | undefined;
}

/** What was found on disk, and every file that had to be put aside. */
export interface LoadedView {
  readonly view: StoredView | undefined;
  readonly setAside: readonly { readonly file: string; readonly why: string }[];
}

/** Writes `view` as the newest generation and keeps the one before it. */
export async function saveView(
  directory: string,
  view: Omit<StoredView, 'savedAtMs'>,
): Promise<void> {
  const current = join(directory, CURRENT);
  // Copied, not renamed: at no moment is there no current generation.
  await copyFile(current, join(directory, PREVIOUS)).catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  });
  const json = JSON.stringify({ ...view, savedAtMs: systemClock.wallMs() });
  await writeFileAtomic(current, `${json}\n${checksum(json)}\n`);
}

/** Reads the newest generation that is whole. */
export async function loadView(directory: string): Promise<LoadedView> {
  const setAside: { file: string; why: string }[] = [];
  for (const name of [CURRENT, PREVIOUS]) {
    const file = join(directory, name);
    const text = await readFile(file, 'utf8').catch(absent);
    if (text === undefined) continue;
    try {
      return { view: parse(text), setAside };
    } catch (thrown) {
      const aside = `${file}.corrupt-${systemClock.wallMs()}`;
      await rename(file, aside);
      setAside.push({ file: aside, why: messageOf(thrown) });
    }
  }
  return { view: undefined, setAside };
}

function parse(text: string): StoredView {
  const end = text.indexOf('\n');
  const json = end < 0 ? text : text.slice(0, end);
  const trailer = end < 0 ? '' : text.slice(end + 1).trim();
  const expected = checksum(json);
  if (trailer !== expected)
    throw new Error('the checksum does not fit: the file was cut or changed');
  const value: unknown = JSON.parse(json);
  if (!isStoredView(value)) throw new Error('it does not hold a view');
  return { ...value, resources: Resource.array().parse(value.resources) };
}

function isStoredView(value: unknown): value is StoredView {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, version, digest, savedAtMs, lostBundles } = value as Partial<
    Record<string, unknown>
  >;
  const numbers = [epoch, version, savedAtMs];
  return (
    typeof digest === 'string' &&
    numbers.every((it) => typeof it === 'number') &&
    (lostBundles === undefined || isTexts(lostBundles))
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((it) => typeof it === 'string');
}

function checksum(json: string): string {
  return `sha256:${createHash('sha256').update(json).digest('hex')}`;
}

function absent(thrown: unknown): undefined {
  if (codeOf(thrown) !== 'ENOENT') throw thrown;
  return undefined;
}
