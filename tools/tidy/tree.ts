import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Masked, mask } from './mask.ts';

/** A breach of a rule, in the words that a person reads. */
export interface Finding {
  readonly path: string;
  readonly message: string;
}

/** A rule looks at the whole tree, so that it can compare files. */
export type Rule = (tree: Tree) => readonly Finding[];

/** The parts of a package.json that rules look at. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The text files of the repository, by path from its root; from disk or, in tests, from a literal. */
export class Tree {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #masked = new Map<string, Masked>();

  constructor(texts: Readonly<Record<string, string>> | ReadonlyMap<string, string>) {
    this.#texts = texts instanceof Map ? texts : new Map(Object.entries(texts));
  }

  /** Paths in order, those only that the pattern takes. */
  paths(pattern = /./): readonly string[] {
    return [...this.#texts.keys()].filter((path) => pattern.test(path)).sort();
  }

  has(path: string): boolean {
    return this.#texts.has(path);
  }

  /** The text of a file that is there. */
  text(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new Error(`no file ${path} in the tree`);
    return text;
  }

  /** The code of a TypeScript file with comments and the insides of literals blanked. */
  masked(path: string): Masked {
    let masked = this.#masked.get(path);
    if (masked === undefined) {
      masked = mask(this.text(path));
      this.#masked.set(path, masked);
    }
    return masked;
  }

  manifest(folder: string): Manifest | undefined {
    const path = folder === '' ? 'package.json' : `${folder}/package.json`;
    return this.has(path) ? (JSON.parse(this.text(path)) as Manifest) : undefined;
  }
}

const textFile =
  /\.(ts|tsx|js|mjs|json|jsonc|md|ya?ml|html|css|sh|txt|conf)$|(^|\/)(LICENSE|Dockerfile|run|\.[a-z]+ignore)$/;

/** What git tracks, and what it would track next: untracked files that no ignore rule names. */
export function treeFromGit(root: string): Tree {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const texts = new Map<string, string>();
  for (const path of listed.split('\0')) {
    if (!textFile.test(path) || path === 'pnpm-lock.yaml') continue;
    if (existsSync(join(root, path))) texts.set(path, readFileSync(join(root, path), 'utf8'));
  }
  return new Tree(texts);
}

/** Where a byte offset stands, counted from line 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
  }
  return line;
}
