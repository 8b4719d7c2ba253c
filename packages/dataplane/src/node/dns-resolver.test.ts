import { expect, test } from 'vitest';
import type { Resolved } from '../egress/egress.ts';
import { DnsResolver } from './dns-resolver.ts';

test('a server that is not there is a failure that names the host, within its time', async () => {
  const resolver = new DnsResolver(['127.0.0.1:1']);
  const resolved = await new Promise<Resolved>((done) => resolver.resolve('a.example', done));
  expect(resolved).toEqual({ kind: 'failed', why: expect.stringContaining('a.example') });
});
