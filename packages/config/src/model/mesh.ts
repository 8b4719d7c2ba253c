import * as z from 'zod';
import { Extension } from './resource.ts';

/** Mesh-wide settings; the one resource of type `telemetry`, named `mesh`. */
export const MeshBody = z.strictObject({
  trustDomain: z.string().min(1),
  egress: z.enum(['deny', 'passthrough']),
  accessLog: z.strictObject({
    /** One in so many successes is written; failures always. 0 writes no success. */
    successEvery: z.int().min(0),
    slowMs: z.int().min(0),
  }),
  /** Share of root traces that are sampled. */
  traceRatio: z.number().min(0).max(1),
  /**
   * What inbound listeners do with a client that brings no certificate. A service listed in
   * `permissive` takes plaintext and counts it.
   */
  mtls: z.strictObject({
    permissive: z.array(z.string()),
    /** SPIFFE ids of those who may say for whom they call, in `X-Forwarded-Client-Cert`. */
    trustedForwarders: z.array(z.string()).max(100).optional(),
  }),
  ext: Extension,
});
export type MeshBody = z.output<typeof MeshBody>;

/** The certificates to trust for one trust domain; type `trustBundle`, named after the domain. */
export const TrustBundleBody = z.strictObject({
  trustDomain: z.string().min(1),
  /** PEM certificates, each self-signed. */
  roots: z.array(z.string().min(1)).min(1).max(16),
  /** Grows with each change (SPIFFE `spiffe_sequence`). */
  sequence: z.int().min(0),
  ext: Extension,
});
export type TrustBundleBody = z.output<typeof TrustBundleBody>;
