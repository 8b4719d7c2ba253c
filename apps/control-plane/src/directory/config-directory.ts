/**
 * GitOps in its smallest form: a directory of YAML and JSON files that is applied at the start and
 * whenever it changes. What a file says is applied when the file has changed, and not again after
 * that: an edit through the API stands until the file speaks anew. What leaves the directory is
 * deleted, if it came from there. A directory with an error in it changes nothing at all.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { canonicalHash, findingText, parseDocuments, validate } from '@leno/config';
import {
  type ConfigDesk,
  type ConfigText,
  type Json,
  type MeshState,
  meshObject,
  type ObjectRef,
  objectKey,
} from '@leno/controlplane';
import { messageOf, type TimerHandle, type Timers } from '@leno/std';

/** What a directory is synchronised with. */
export interface ConfigDirectoryOptions {
  readonly directory: string;
  readonly state: MeshState;
  readonly configDesk: ConfigDesk;
  readonly timers: Timers;
  /** Called after each synchronisation: what went wrong, or undefined. */
  synchronised(problem: string | undefined): void;
}

/** The note under which it is remembered what each object looked like when it came from the directory. */
const noteKey = 'config-directory';
const fileCountMax = 10_000;
const quietMs = 100;
/** Where changes cannot be watched (some network file systems), they are looked for. */
const pollMs = 10_000;
const extensions = ['.yaml', '.yml', '.json'];

interface Wanted {
  readonly ref: ObjectRef;
  readonly hash: string;
  readonly text: ConfigText;
}

/** See the head of this file. */
export class ConfigDirectory {
  readonly #options: ConfigDirectoryOptions;
  #watcher: FSWatcher | undefined;
  #timer: TimerHandle | undefined;
  #running: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ConfigDirectoryOptions) {
    this.#options = options;
  }

  /** Applies the directory once, then watches it. */
  async start(): Promise<void> {
    await this.synchronise();
    try {
      this.#watcher = watch(this.#options.directory, { recursive: true }, () =>
        this.#soon(quietMs),
      );
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // Polling below finds what watching would have told.
    }
    this.#soon(pollMs);
  }

  /** Applies what has changed since the last time. Never throws: what went wrong is told. */
  synchronise(): Promise<void> {
    this.#running = this.#running.then(async () => {
      try {
        this.#options.synchronised(await this.#run());
      } catch (thrown) {
        this.#options.synchronised(messageOf(thrown));
      }
    });
    return this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    this.#timer?.cancel();
    await this.#running;
  }

  #soon(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#options.timers.after(delayMs, () => {
      void this.synchronise().then(() => this.#soon(pollMs));
    });
  }

  async #run(): Promise<string | undefined> {
    const { state, configDesk } = this.#options;
    const read = await this.#read();
    if (typeof read === 'string') return read;
    const known = knownHashes(state.notes.get(noteKey));
    const changed = [...read.values()].filter((it) => known[objectKey(it.ref)] !== it.hash);
    const gone = Object.keys(known).filter((key) => !read.has(key));
    if (changed.length === 0 && gone.length === 0) return undefined;
    const hashes = Object.fromEntries([...read].map(([key, { hash }]) => [key, hash]));
    const outcome = await configDesk.change({
      texts: changed.map((it) => it.text),
      del: gone.map(refOf),
      notes: [{ key: noteKey, value: hashes }],
      force: false,
      author: 'directory',
    });
    switch (outcome.kind) {
      case 'done':
        return undefined;
      case 'refused':
        return outcome.findings
          .filter((it) => it.severity === 'error')
          .map(findingText)
          .join('\n');
      default:
        return `not applied: ${outcome.kind}`;
    }
  }

  /** Every object of the directory by its key, or what keeps it from being read. */
  async #read(): Promise<ReadonlyMap<string, Wanted> | string> {
    const found = new Map<string, Wanted>();
    const problems: string[] = [];
    for (const file of await this.#files()) {
      const text = await readFile(join(this.#options.directory, file), 'utf8');
      const parsed = parseDocuments(text, file);
      const { entries, findings } = validate(parsed.documents);
      const errors = [...parsed.findings, ...findings].filter((it) => it.severity === 'error');
      problems.push(...errors.map(findingText));
      for (const { object, document } of entries) {
        const wanted = meshObject(object);
        const key = objectKey(wanted);
        const before = found.get(key);
        if (before !== undefined)
          problems.push(`${file}: ${key} stands in ${before.text.file} too`);
        const { kind, namespace, name } = wanted;
        const value = JSON.stringify(document?.value ?? object);
        const hash = canonicalHash(wanted);
        found.set(key, { ref: { kind, namespace, name }, hash, text: { text: value, file } });
      }
    }
    return problems.length > 0 ? problems.join('\n') : found;
  }

  async #files(): Promise<readonly string[]> {
    const { directory } = this.#options;
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((it) => it.isFile() && extensions.includes(extname(it.name)))
      .map((it) => relative(directory, join(it.parentPath, it.name)))
      .filter((it) => !it.split('/').some((part) => part.startsWith('.')))
      .toSorted();
    if (files.length <= fileCountMax) return files;
    throw new Error(`${directory} holds more than ${fileCountMax} files`);
  }
}

function knownHashes(note: Json | undefined): Readonly<Record<string, string>> {
  if (typeof note !== 'object' || note === null || Array.isArray(note)) return {};
  return note as Readonly<Record<string, string>>;
}

function refOf(key: string): ObjectRef {
  const [kind = '', namespace = '', name = ''] = key.split('/');
  return { kind, namespace, name };
}
