import * as z from 'zod';

const hostname = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A host name of the Gateway API: `*.` in front stands for one label or more. */
export const Hostname = z.string().max(253).regex(hostname, {
  error: 'expected a lower-case host name, possibly with `*.` in front, without a port',
});
