import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of the repository, without a slash at its end. */
export const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

/** A package that outsiders can install. */
export interface PublicPackage {
  readonly name: string;
  readonly folder: string;
}

/** The packages that are not private, by name. */
export function publicPackages(): readonly PublicPackage[] {
  const folders = readdirSync(join(repository, 'packages')).sort();
  return folders.flatMap((short) => {
    const folder = join(repository, 'packages', short);
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    const manifest = JSON.parse(text) as { readonly name: string; readonly private?: boolean };
    return manifest.private === true ? [] : [{ name: manifest.name, folder }];
  });
}

/**
 * Packs a built package as it would be published: `workspace:` and `catalog:` become versions.
 * Gives the path of the tarball, which is made in `into`.
 */
export async function pack(folder: string, into: string): Promise<string> {
  const [program, ...first] = pnpm();
  const args = [...first, 'pack', '--json', '--pack-destination', into];
  const { stdout } = await run(program, args, { cwd: folder, maxBuffer: 1 << 24 });
  const packed = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { readonly filename: string };
  return packed.filename.startsWith('/') ? packed.filename : join(into, packed.filename);
}

/** The pnpm that runs this script, or one of the same major version. */
function pnpm(): readonly [string, ...string[]] {
  const path = process.env['npm_execpath'];
  if (path !== undefined && /pnpm\.c?js$/.test(path)) return [process.execPath, path];
  return ['npx', '-y', 'pnpm@10'];
}
