/** The applications behind the proxies: nginx, and a gRPC server that answers every call alike. */
import { allocatePorts } from '@leno/std/node';
import { type Bed, untilAccepting } from './bed.ts';
import { grpcBodyFile } from './load.ts';
import { fillTemplate, readTemplate } from './template.ts';

/** Ports of both. */
export interface Upstreams {
  readonly http: number;
  readonly grpc: number;
}

/** Starts both. */
export async function startUpstreams(bed: Bed): Promise<Upstreams> {
  const [http = 0, grpc = 0] = await allocatePorts(2);
  const text = fillTemplate(readTemplate('upstream-nginx.conf.in'), {
    directory: bed.directory,
    listen: http,
  });
  const file = bed.write('upstream.conf', text);
  const { nginx } = bed.programs;
  const web = bed.start({ name: 'upstream', command: nginx, args: ['-c', file], core: 'load' });
  await untilAccepting(http, web);
  // A message of 16 bytes: no compression, four bytes of length, the bytes.
  bed.write(grpcBodyFile, Buffer.concat([Buffer.from([0, 0, 0, 0, 16]), Buffer.alloc(16, 1)]));
  const calls = bed.start({
    name: 'grpc-upstream',
    command: process.execPath,
    args: [new URL('grpc-upstream-main.ts', import.meta.url).pathname, String(grpc)],
    core: 'load',
  });
  await untilAccepting(grpc, calls);
  return { http, grpc };
}
