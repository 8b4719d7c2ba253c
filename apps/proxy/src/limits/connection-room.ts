import { readFile } from 'node:fs/promises';

/** Descriptors for files, the control session, the admin interfaces and their clients. */
const DESCRIPTORS_KEPT_COUNT = 64;

/**
 * How many connections the listeners may have together: as many as `asked`, but no more than there are
 * descriptors for, of which a connection needs one and its upstream another. What is left over keeps
 * the admin interface within reach when all of them are taken.
 */
export function connectionRoom(asked: number, descriptorCountMax: number): number {
  const free = Math.floor((descriptorCountMax - DESCRIPTORS_KEPT_COUNT) / 2);
  return Math.max(1, Math.min(asked, free));
}

/** The descriptors that this process may have; `Infinity` where nothing says so. */
export async function readDescriptorCountMax(): Promise<number> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
