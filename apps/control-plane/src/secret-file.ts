import { readFile, stat } from 'node:fs/promises';
import { codeOf } from '@leno/std';
import { SettingsError } from './settings-error.ts';

const groupAndOther = 0o077;

/** The trimmed text of a secret file that only its owner may open. Throws `SettingsError`. */
export async function readSecret(path: string, setting: string): Promise<string> {
  const complain = (why: string): SettingsError => new SettingsError(`${setting}: ${path} ${why}`);
  let text: string;
  try {
    const { mode } = await stat(path);
    if ((mode & groupAndOther) !== 0) {
      throw complain('may be opened by others; run chmod 600, and replace the secret');
    }
    text = (await readFile(path, 'utf8')).trim();
  } catch (thrown) {
    if (thrown instanceof SettingsError) throw thrown;
    throw complain(`cannot be read (${codeOf(thrown)})`);
  }
  if (text.length < 8) throw complain('holds fewer than 8 characters');
  return text;
}
