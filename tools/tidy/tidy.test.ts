/**
 * The rules of the repository, as tests: each rule over the whole tree, and each ban over a small tree
 * that breaks it, so that a rule which sees nothing is seen.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bans } from './bans.ts';
import { rules } from './rules.ts';
import { Tree, treeFromGit } from './tree.ts';

const tree = treeFromGit(fileURLToPath(new URL('../..', import.meta.url)));

test('the tree is the repository', () => {
  expect(tree.paths().length).toBeGreaterThan(100);
  expect(tree.has('packages/std/src/index.ts')).toBe(true);
});

test.each(Object.entries(rules))('%s', (_, rule) => {
  expect(rule(tree).map(({ path, message }) => `${path} ${message}`)).toEqual([]);
});

test.each(bans)('$rule fires: $name', ({ rule, bad, finds }) => {
  const findings = rules[rule](new Tree(bad));
  expect(findings.map(({ path, message }) => `${path} ${message}`).join('\n')).toMatch(finds);
});

test.each(bans)('$rule keeps quiet without: $name', ({ rule, good }) => {
  expect(rules[rule](new Tree(good))).toEqual([]);
});

test('each rule has a ban that shows it fire', () => {
  expect(Object.keys(rules).filter((rule) => bans.every((ban) => ban.rule !== rule))).toEqual([]);
});
