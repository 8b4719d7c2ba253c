import * as z from 'zod';

const Name = z.string().min(1).max(256);
/** At most 64 labels of at most 256 characters each. */
export const Labels = z
  .record(z.string().min(1).max(256), z.string().max(256))
  .refine((labels) => Object.keys(labels).length <= 64, 'at most 64 labels');

/** Who speaks, as it travels in `hello`. */
export const WireNode = z.strictObject({
  id: Name,
  service: Name,
  ns: Name,
  zone: Name.optional(),
  labels: Labels,
  build: z.string().max(256),
});
export type WireNode = z.output<typeof WireNode>;

/** Who speaks, as programs see it. `id` is unique in the mesh and stable while the process lives. */
export interface NodeInfo {
  readonly id: string;
  readonly service: string;
  readonly namespace: string;
  readonly zone?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Which build of the software this is, for people to read. */
  readonly build: string;
}

/** To the form that travels. */
export function wireNode(node: NodeInfo): WireNode {
  const { id, service, namespace, zone, labels, build } = node;
  const rest = { labels: { ...labels }, build };
  return zone === undefined
    ? { id, service, ns: namespace, ...rest }
    : { id, service, ns: namespace, zone, ...rest };
}

/** From the form that travels. */
export function nodeInfo(wire: WireNode): NodeInfo {
  const { id, service, ns, zone, labels, build } = wire;
  const rest = { labels, build };
  return zone === undefined
    ? { id, service, namespace: ns, ...rest }
    : { id, service, namespace: ns, zone, ...rest };
}
