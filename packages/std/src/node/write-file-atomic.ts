import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How `writeFileAtomic` writes. */
export interface WriteFileOptions {
  /** Permission bits of the file, whatever the umask. Default 0o600: what is not said is private. */
  readonly mode?: number;
}

/**
 * Replaces a file so that a reader, or a crash at any moment, finds the old content or the new and
 * nothing between: a temporary file beside it, fsync, rename, fsync of the directory. Makes missing
 * directories (0700). If anything fails the temporary file is gone and the old content stands.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteFileOptions = {},
): Promise<void> {
  const mode = options.mode ?? 0o600;
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const temporary = join(directory, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    // `wx` refuses a file or link that somebody has put there, so nothing is written through it.
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
  await syncDirectory(directory);
}

/** Without this the rename itself may be lost with the power. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
