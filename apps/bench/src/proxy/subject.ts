/** A proxy, or two in a row, as the benchmark sees them. */
import { allocatePorts, type RunningProcess } from '@leno/std/node';
import { type Bed, type ProgramOptions, untilAccepting } from './bed.ts';
import type { LoadTarget } from './load.ts';
import { fillTemplate, readTemplate } from './template.ts';

/** What is measured. All processes of `groups` together are what a request costs. */
export interface Subject {
  readonly name: string;
  readonly target: LoadTarget;
  /** Process groups, named by their leaders. */
  readonly groups: readonly number[];
  /** Whether it compiles what runs often, and so has to run for a while before it counts. */
  readonly isCompiling: boolean;
}

/** A peer that is a program with a configuration file. */
export interface Peer {
  /** The prefix of its templates. */
  readonly name: 'haproxy' | 'nginx' | 'envoy';
  readonly command: string;
  readonly extension: string;
  args(file: string): readonly string[];
}

/** One process of a peer, which listens. */
async function startPeer(
  bed: Bed,
  peer: Peer,
  part: { readonly template: string; readonly values: Readonly<Record<string, string | number>> },
): Promise<{ running: RunningProcess; port: number }> {
  const [listen = 0] = await allocatePorts(1);
  const name = `${peer.name}-${part.template}-${listen}`;
  const text = readTemplate(`${peer.name}-${part.template}${peer.extension}.in`);
  const { directory } = bed;
  const config = fillTemplate(text, { ...part.values, directory, name, listen });
  const file = bed.write(`${name}${peer.extension}`, config);
  const options: ProgramOptions = {
    name,
    command: peer.command,
    args: peer.args(file),
    core: 'proxy',
  };
  const running = bed.start(options);
  await untilAccepting(listen, running);
  return { running, port: listen };
}

/** Client → peer → upstream. */
export async function startHop(bed: Bed, peer: Peer, upstream: number): Promise<Subject> {
  const { running, port } = await startPeer(bed, peer, { template: 'hop', values: { upstream } });
  const target = { address: `127.0.0.1:${port}`, authority: 'bench' };
  return { name: peer.name, target, groups: [running.pid], isCompiling: false };
}

/** Client → peer → mTLS → the same peer again → upstream; `alpn` is what is spoken between the two. */
export async function startPair(
  bed: Bed,
  peer: Peer,
  between: { readonly upstream: number; readonly alpn: 'h2' | 'http/1.1' },
): Promise<Subject> {
  const { upstream, alpn } = between;
  const far = await startPeer(bed, peer, { template: 'inbound', values: { upstream, alpn } });
  const near = await startPeer(bed, peer, {
    template: 'outbound',
    values: { inbound: far.port, alpn },
  });
  const target = { address: `127.0.0.1:${near.port}`, authority: 'bench' };
  const name = `${peer.name} ${alpn === 'h2' ? 'h2' : 'h1'}`;
  const groups = [near.running.pid, far.running.pid];
  return { name, target, groups, isCompiling: false };
}

export function haproxy(command: string): Peer {
  return { name: 'haproxy', command, extension: '.cfg', args: (file) => ['-db', '-f', file] };
}

export function nginx(command: string): Peer {
  return { name: 'nginx', command, extension: '.conf', args: (file) => ['-c', file] };
}

export function envoy(command: string): Peer {
  return {
    name: 'envoy',
    command,
    extension: '.yaml',
    args: (file) => [
      ...['-c', file, '--concurrency', '1', '--disable-hot-restart'],
      ...['-l', 'error'],
    ],
  };
}
