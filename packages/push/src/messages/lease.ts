import * as z from 'zod';
import { Labels } from './node-info.ts';

const Name = z.string().min(1).max(256);

/**
 * One running instance of a service, as it registers itself. Its identity is not said here: it is
 * the certificate's, which the server reads from the session.
 */
export const LeaseInstance = z.strictObject({
  /** Unique in the mesh; the endpoint that others see has the same id. */
  id: Name,
  service: Name,
  ns: Name,
  /** Where peers reach it: the inbound listener of its sidecar, or the application itself. */
  address: Name,
  port: z.int().min(1).max(65_535),
  weight: z.int().min(0).max(65_535),
  health: z.enum(['ready', 'draining']),
  /** Whether a sidecar answers there with mTLS, or the application itself in the clear. */
  transport: z.enum(['mtls', 'plain']),
  zone: Name.optional(),
  labels: Labels,
});
export type LeaseInstance = z.output<typeof LeaseInstance>;

/** Registers an instance, or says anew what it is; it stands for `ttlMs` after the last word. */
export const LeaseRegister = z.strictObject({
  t: z.literal('lease'),
  instance: LeaseInstance,
  ttlMs: z.int().min(1_000).max(3_600_000),
});
/** Keeps an instance that this session has registered for another `ttlMs`. */
export const LeaseRenew = z.strictObject({ t: z.literal('lease'), renew: Name });
/** Takes an instance back at once. */
export const LeaseDrop = z.strictObject({ t: z.literal('lease'), drop: Name });

/** What a session may say about instances. */
export type LeaseMessage =
  | z.output<typeof LeaseRegister>
  | z.output<typeof LeaseRenew>
  | z.output<typeof LeaseDrop>;

/** The same as a discriminated union, for the registry. */
export type LeaseCommand =
  | { readonly kind: 'register'; readonly instance: LeaseInstance; readonly ttlMs: number }
  | { readonly kind: 'renew'; readonly id: string }
  | { readonly kind: 'drop'; readonly id: string };

/** Reads a lease message. */
export function leaseCommand(message: LeaseMessage): LeaseCommand {
  if ('instance' in message) {
    return { kind: 'register', instance: message.instance, ttlMs: message.ttlMs };
  }
  if ('renew' in message) return { kind: 'renew', id: message.renew };
  return { kind: 'drop', id: message.drop };
}
