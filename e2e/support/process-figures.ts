/** What the system knows of a process. */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** Memory that it holds now, and the most that it has held. */
export async function memoryOf(pid: number): Promise<{ rssBytes: number; peakBytes: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'latin1');
  const kilobytes = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) * 1_024;
  return { rssBytes: kilobytes('VmRSS'), peakBytes: kilobytes('VmHWM') };
}

/** Its open sockets of TCP by the port at either end; those that are no longer connected are under 0. */
export async function socketsOf(pid: number): Promise<readonly SocketEnds[]> {
  const [names, table] = await Promise.all([
    readdir(`/proc/${pid}/fd`),
    readFile(`/proc/${pid}/net/tcp`, 'latin1'),
  ]);
  const links = await Promise.all(
    names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  );
  const ends = new Map(table.split('\n').slice(1).map(endsOf));
  return links
    .map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1])
    .filter((inode) => inode !== undefined)
    .map((inode) => ends.get(inode) ?? { localPort: 0, remotePort: 0 });
}

export interface SocketEnds {
  readonly localPort: number;
  readonly remotePort: number;
}

/** A line of the table: `sl local remote …`, with the inode as the tenth word. */
function endsOf(line: string): readonly [string, SocketEnds] {
  const words = line.trim().split(/\s+/);
  const port = (word = ''): number => Number.parseInt(word.split(':')[1] ?? '0', 16);
  return [words[9] ?? '', { localPort: port(words[1]), remotePort: port(words[2]) }];
}
