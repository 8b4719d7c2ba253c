import { createServer } from 'node:net';
import { LenoError } from '../leno-error.ts';
import { systemRng } from '../rng.ts';

const portMin = 20_000;
const portCount = 12_000;
const given = new Set<number>();

/** Every port from 20000 to 31999 is taken, or has been handed out by this process before. */
export class NoFreePortError extends LenoError {
  readonly code = 'LENO_NO_FREE_PORT';
  readonly fault = 'mesh';
}

/**
 * Finds `count` TCP ports that nobody listens on, on any address, and gives none of them out a
 * second time in this process. They lie in 20000–31999, outside the range from which Linux takes
 * the ports of outgoing connections, so that no connection can take one before its server binds.
 * The search starts at random, so that two processes that search at once rarely meet.
 */
export async function allocatePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const offset = Math.floor(systemRng() * portCount);
  for (let step = 0; step < portCount && ports.length < count; step += 1) {
    const port = portMin + ((offset + step) % portCount);
    if (given.has(port)) continue;
    given.add(port); // Before the probe: two searches that run at once must not both get it.
    if (await isFree(port)) ports.push(port);
    else given.delete(port);
  }
  if (ports.length === count) return ports;
  for (const port of ports) given.delete(port);
  throw new NoFreePortError(
    `${count} ports asked for, ${ports.length} free in ${portMin}–${portMin + portCount - 1}: ` +
      'stop what listens there',
  );
}

/** Binding to every address fails if anybody listens on any of them. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '0.0.0.0', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
