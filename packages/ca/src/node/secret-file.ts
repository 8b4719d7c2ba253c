import { open } from 'node:fs/promises';
import { codeOf } from '@leno/std';
import { KeyFileError } from './key-file-error.ts';

const fileBytesMax = 65_536;
const groupAndOther = 0o077;

/**
 * The text of a secret file of at most 64 KiB, or undefined if there is none. Throws `KeyFileError`
 * if anybody but its owner may open it: then the secret counts as lost and is to be replaced.
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    const advice = `cannot be opened (${codeOf(cause)})`;
    throw new KeyFileError({ path, because: 'unreadable', advice }, { cause });
  }
  try {
    // Asked of the open file, so that nobody can swap it between the question and the reading.
    const { mode, size } = await file.stat();
    if ((mode & groupAndOther) !== 0) {
      const bits = (mode & 0o777).toString(8).padStart(3, '0');
      const advice = `is open to others (mode ${bits}); run chmod 600, and replace it if it was read`;
      throw new KeyFileError({ path, because: 'exposed', advice });
    }
    if (size > fileBytesMax) {
      const advice = `has ${size} bytes, more than ${fileBytesMax}`;
      throw new KeyFileError({ path, because: 'malformed', advice });
    }
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
