import * as z from 'zod';

const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const subdomain = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** A name of one label (RFC 1123): of a service, a namespace or a port. */
export const LabelName = z.string().regex(label, {
  error: 'expected a name of lower-case letters, digits and -, at most 63 characters',
});

/** The name of any other object: labels joined by dots. */
export const ObjectName = z.string().regex(subdomain, {
  error: 'expected a name of lower-case letters, digits, - and ., at most 253 characters',
});

/** A port number. */
export const Port = z.int().min(1).max(65_535);

/** Labels of an object, or the labels that a selector asks for. */
export const Labels = z.record(z.string(), z.string());

const common = {
  labels: Labels.optional().describe('Free labels.'),
  annotations: Labels.optional().describe('Free notes; none changes what Leno does.'),
  creationTimestamp: z
    .string()
    .nullish()
    .describe('Written by the control plane; the older of two equal routes wins.'),
};

/**
 * Metadata of an object with a namespace. Whatever else Kubernetes tools write here (`uid`,
 * `managedFields`, …) is kept and means nothing.
 */
export const Metadata = z.looseObject({
  name: ObjectName.describe('Unique among objects of its kind in its namespace.'),
  namespace: LabelName.default('default').describe('Default `default`.'),
  ...common,
});

/** Metadata of a service, whose name becomes part of host names and therefore has no dots. */
export const ServiceMetadata = z.looseObject({
  name: LabelName.describe('What clients dial: `name`, `name.namespace`, `name.namespace.mesh`.'),
  namespace: LabelName.default('default').describe('Default `default`.'),
  ...common,
});

/** Metadata of an object that belongs to the whole mesh. */
export const MeshMetadata = z.looseObject({
  name: ObjectName.describe('Any name; there is one such object.'),
  ...common,
});

/** What Kubernetes writes under `status`: accepted and not looked at. */
export const Status = z.unknown().optional().describe('Accepted and not looked at.');
