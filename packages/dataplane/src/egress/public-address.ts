/**
 * Which addresses anybody may be sent to. Everything that the special-purpose registries (RFC 6890 and its
 * successors) do not call globally reachable is somebody's inside: this machine, its network, the metadata service of a cloud.
 */
import { isWithin, parseAddress, parseRange } from '@leno/authz';

const ranges = (list: string) => list.split(/\s+/).flatMap((it) => parseRange(it) ?? []);

const v4 = ranges('0.0.0.0/0');

/** IPv4, however it is written; with relays, multicast, what is reserved, and Azure's virtual host address. */
const insideV4 = ranges(
  `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
  192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`,
);

/** IPv6: global unicast, less what carries IPv4 within it, is for documents, or belongs to protocols. */
const unicastV6 = ranges('2000::/3');
const insideV6 = ranges('2001::/23 2001:db8::/32 2002::/16 3fff::/20');

/** Whether the address, in any spelling that is one, is globally reachable; false for what is none. */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  const isIn = (list: typeof v4): boolean => list.some((range) => isWithin(address, range));
  return isIn(v4) ? !isIn(insideV4) : isIn(unicastV6) && !isIn(insideV6);
}
