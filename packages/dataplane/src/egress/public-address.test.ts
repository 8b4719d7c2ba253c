import { expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

test.each(
  '8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 100.63.255.255 198.17.0.1 223.255.255.255 ::ffff:8.8.8.8 2606:4700::1111 2001:200::1'.split(
    ' ',
  ),
)('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each(
  `0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255
  192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 255.255.255.255
  ::1 :: ::ffff:127.0.0.1 ::ffff:7f00:1 ::127.0.0.1 64:ff9b::7f00:1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1
  2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 100::1 0x7f.1 2130706433 localhost x`.split(/\s+/),
)('%s is not', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});
