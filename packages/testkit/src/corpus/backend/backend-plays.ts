/** The cases of `http1-requests`, each before each of the real servers that were asked for. */

import type * as z from 'zod';
import type { Http1Requests } from '../http/http1-requests-format.ts';
import type { Play } from '../plays.ts';
import { UnusableError } from '../unusable-error.ts';
import { verdictOf } from '../verdict.ts';
import { Backend } from './backend.ts';
import { type BackendKind, backendKinds } from './backend-kinds.ts';
import { playBackend } from './play-backend.ts';

type Case = z.output<typeof Http1Requests>['cases'][number];

/** The servers named, separated by commas; `all` is every one. Throws for one that is not known. */
export function backendsNamed(names: string): readonly BackendKind[] {
  if (names === 'all') return backendKinds;
  return names.split(',').map((name) => {
    const kind = backendKinds.find((it) => it.name === name);
    if (kind !== undefined) return kind;
    const known = backendKinds.map((it) => it.name).join(', ');
    throw new UnusableError(`no server is called ${name}: use all, or some of ${known}`);
  });
}

/** A server is opened when its first case is played, opened again when it has broken, and shared. */
export class BackendPlays {
  readonly #named: readonly number[];
  readonly #opened = new Map<BackendKind, Promise<Backend>>();

  /** `named` are ports that requests may write behind the hosts of the bed. */
  constructor(named: readonly number[]) {
    this.#named = named;
  }

  playsOf(file: string, cases: readonly Case[], kind: BackendKind): readonly Play[] {
    const isHere = Backend.isHere(kind);
    return cases.map((it) => ({
      file,
      id: `${it.id}@${kind.name}`,
      judge: async () => {
        if (!isHere) return { verdict: 'SKIP', reason: `needs ${kind.name}` };
        const backend = await this.#open(kind);
        const problem = await playBackend(backend, it);
        if (problem !== undefined) await this.#close(kind);
        return verdictOf(problem);
      },
    }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.keys()].map((kind) => this.#close(kind)));
  }

  #open(kind: BackendKind): Promise<Backend> {
    const opened = this.#opened.get(kind) ?? Backend.open(kind, this.#named);
    this.#opened.set(kind, opened);
    return opened;
  }

  async #close(kind: BackendKind): Promise<void> {
    const opened = this.#opened.get(kind);
    this.#opened.delete(kind);
    await (await opened?.catch(() => undefined))?.close();
  }
}
