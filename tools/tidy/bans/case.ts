import type { RuleName } from '../rules.ts';

export type Files = Readonly<Record<string, string>>;

/** A small tree that breaks a rule, the same tree mended, and what the rule says of the first. */
export interface Case {
  readonly name: string;
  readonly bad: Files;
  readonly good: Files;
  readonly finds: RegExp;
}

export type Cases = { readonly [rule in RuleName]?: readonly Case[] };

/** Joined, so that the files of the bans do not hold what they ban. */
export const word = (...parts: readonly string[]): string => parts.join('');

export function manifest(name: string, dependencies: Files = {}, more: object = {}): string {
  return JSON.stringify({ name, dependencies, ...more });
}

export const workspace: Files = {
  'packages/std/package.json': manifest('@leno/std'),
  'packages/ca/package.json': manifest('@leno/ca', { '@leno/std': 'workspace:*' }),
  'packages/testkit/package.json': manifest('@leno/testkit', {}, { private: true }),
  'packages/balancer/package.json': manifest('@leno/balancer', { '@leno/std': 'workspace:*' }),
  'apps/cli/package.json': manifest('@leno/cli'),
  'apps/proxy/package.json': manifest('@leno/proxy', { zod: 'catalog:' }),
};

/** One file among the manifests above. */
export const file = (path: string, text: string): Files => ({ ...workspace, [path]: text });
