import { resolveFrom } from '../imports.ts';
import type { Finding, Rule, Tree } from '../tree.ts';

/** One title, and links that lead somewhere: to a file or folder of the tree, to a heading of it. */
export const documents: Rule = (tree) =>
  tree.paths(/\.md$/).flatMap((path) => {
    const prose = withoutCode(tree.text(path));
    const titleCount = prose.match(/^# /gm)?.length ?? 0;
    const isOneTitle = titleCount === 1 || path.startsWith('.changeset/');
    const titles = isOneTitle ? [] : [{ path, message: `has ${titleCount} titles, not one` }];
    return [...titles, ...linksOf(prose).flatMap((link) => linkBreach(tree, path, link))];
  });

function linksOf(prose: string): readonly string[] {
  return [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].map((match) => match[1] ?? '');
}

function linkBreach(tree: Tree, path: string, link: string): readonly Finding[] {
  if (/^(?:[a-z]+:)?\/\/|^mailto:/.test(link)) return [];
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : resolveFrom(path, file).replace(/\/$/, '');
  const isFile = tree.has(target);
  const isFolder = tree.paths().some((it) => it.startsWith(`${target}/`));
  if (!isFile && !isFolder) return [{ path, message: `links to ${link}, which is not there` }];
  if (anchor === undefined || !target.endsWith('.md')) return [];
  if (anchorsOf(tree.text(target)).has(anchor)) return [];
  return [{ path, message: `links to ${link}, but ${target} has no such heading` }];
}

function anchorsOf(text: string): ReadonlySet<string> {
  const headings = withoutCode(text).matchAll(/^#{1,6} +(.+?) *$/gm);
  const slugs = [...headings].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
  return new Set(slugs);
}

function withoutCode(text: string): string {
  return text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '``');
}

/** JSON parses. */
export const parses: Rule = (tree) =>
  tree.paths(/\.json$/).flatMap((path) => {
    try {
      JSON.parse(tree.text(path));
      return [];
    } catch (error) {
      return [{ path, message: `is not JSON: ${String(error)}` }];
    }
  });
