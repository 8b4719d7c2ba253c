import { readFile } from 'node:fs/promises';
import { codeOf, messageOf } from '@leno/std';
import { SettingsError } from './env.ts';

/**
 * The token of the first start. A file that is gone is no mistake: a proxy that has its certificate needs no token, and the
 * one it had was good for one use.
 */
export async function readJoinToken(file: string | undefined): Promise<string> {
  if (file === undefined) return '';
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return '';
    throw new SettingsError(`LENO_JOIN_TOKEN_FILE is ${file}: ${messageOf(thrown)}`);
  }
}
