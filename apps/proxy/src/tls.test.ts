import type { Identity } from '@leno/dataplane/node';
import { Watch } from '@leno/std';
import { expect, test } from 'vitest';
import { ClientTls, serverTls } from './tls.ts';

const identity = (key: string): Identity => ({
  key,
  chain: ['leaf', 'issuer'],
  roots: ['root'],
  spiffeId: 'spiffe://mesh.local/ns/default/sa/web',
  serial: '1',
  notBeforeMs: 0,
  notAfterMs: 1,
});

test('leases of one identity share a context, which follows renewal until the last is released', () => {
  const own = new Watch<Identity | undefined>(undefined);
  const tls = new ClientTls(own, 'mesh.local');
  const first = tls.lease('spiffe://mesh.local/ns/default/sa/cart');
  const second = tls.lease('spiffe://mesh.local/ns/default/sa/cart');
  expect(second.options).toBe(first.options);
  own.set(identity('one'));
  own.set(identity('two'));
  expect(first.options.value).toMatchObject({ key: 'two', cert: 'leafissuer', ca: 'root' });
  first.release();
  first.release();
  expect(tls.size).toBe(1);
  second.release();
  expect(tls.size).toBe(0);
  expect(own.subscriberCount).toBe(1);
});

test('property of the bound: a thousand endpoints that come and go leave one subscription', () => {
  const own = new Watch<Identity | undefined>(undefined);
  const tls = new ClientTls(own, 'mesh.local');
  for (let count = 0; count < 1_000; count += 1) tls.lease(`id-${count}`).release();
  expect([tls.size, own.subscriberCount]).toEqual([0, 1]);
});

test('an endpoint without an identity is believed to be nobody', () => {
  const own = new Watch<Identity | undefined>(identity('one'));
  const verdict = new ClientTls(own, 'mesh.local').lease('').options.value.verifyPeer;
  expect(verdict(new Uint8Array()).ok).toBe(false);
  expect(verdict(new Uint8Array())).toMatchObject({
    error: expect.stringContaining('who it must'),
  });
});

test('without an identity of its own a proxy has nothing to show and trusts nobody', () => {
  const options = serverTls(undefined, 'mesh.local');
  expect(options).toMatchObject({ key: '', cert: '', ca: '' });
  expect(options.verifyPeer(new Uint8Array()).ok).toBe(false);
});
