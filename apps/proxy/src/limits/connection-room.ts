import { readFileSync } from 'node:fs';

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
export function readDescriptorCountMax(): number {
  try {
    const text = readFileSync('/proc/self/limits', 'utf8');
    return Number(/^Max open files\s+(\d+)/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
