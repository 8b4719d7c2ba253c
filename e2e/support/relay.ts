/** A TCP relay that writes down what passes: the wire between two sidecars, seen from the middle. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { allocatePorts } from '@leno/std/node';

interface Wire {
  bytes: number;
  /** The first byte of each direction of each connection. */
  readonly firstBytes: number[];
  text: string;
}

const wire: Wire = { bytes: 0, firstBytes: [], text: '' };

/** What has passed all relays of this file. */
export function record(): Readonly<Wire> {
  return wire;
}

/** Starts a relay to a port that is free now; gives both. */
export async function startRelay(): Promise<{ readonly port: number; readonly target: string }> {
  const [targetPort = 0] = await allocatePorts(1);
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      let first = true;
      from.on('data', (chunk: Buffer) => {
        if (first) wire.firstBytes.push(chunk[0] ?? 0);
        first = false;
        wire.bytes += chunk.length;
        wire.text += chunk.toString('latin1');
        to.write(chunk);
      });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, target: `127.0.0.1:${targetPort}` };
}
