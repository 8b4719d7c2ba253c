/** The format `hash-vectors`, version 1: what a file may hold. Strict: an unknown word is an error. */
import * as z from 'zod';

const Decimal64 = z.string().regex(/^[0-9]{1,20}$/);
const Source = z.array(z.string());
const Id = z.string().regex(/^[A-Z]{2}[0-9]{2}$/);

const Hosts = z.union([
  z.array(z.strictObject({ key: z.string(), weight: z.int() })).min(1),
  z.strictObject({ key: z.string(), count: z.int(), weight: z.int() }),
]);

const Localities = z.array(
  z.strictObject({
    weight: z.int().min(0),
    hosts: z.union([z.array(z.int()), z.strictObject({ from: z.int(), to: z.int() })]),
  }),
);

const Pick = z.strictObject({ hash: Decimal64, host: z.int() });

const Retry = z.strictObject({
  hash: Decimal64,
  attempts: z.int(),
  reject: z.union([z.array(z.int()), z.literal('all')]),
  host: z.int(),
});

const expectations = {
  error: z.literal(true).optional(),
  noHost: z.literal(true).optional(),
  picks: z.array(Pick).optional(),
  retries: z.array(Retry).optional(),
};

const MaglevExpectation = z.strictObject({
  ...expectations,
  table: z.array(z.int()).optional(),
  entriesOf: z.array(z.strictObject({ host: z.int(), entries: z.int() })).optional(),
  entriesPerHost: z.array(z.int()).optional(),
  minEntries: z.int().optional(),
  maxEntries: z.int().optional(),
});

const RingExpectation = z.strictObject({
  ...expectations,
  size: z.int().optional(),
  minPerHost: z.int().optional(),
  maxPerHost: z.int().optional(),
  points: z.array(Pick).optional(),
  histogram: z.strictObject({ requests: z.int(), counts: z.array(z.int()) }).optional(),
});

const isSomething = (expectation: object): boolean => Object.keys(expectation).length > 0;

const HashCase = z.strictObject({
  id: Id,
  kind: z.enum(['xxHash64', 'murmurHash2']),
  title: z.string(),
  vectors: z
    .array(z.strictObject({ input: z.string(), seed: Decimal64.optional(), hash: Decimal64 }))
    .min(1),
  source: Source,
});

const MaglevCase = z.strictObject({
  id: Id,
  kind: z.literal('maglev'),
  title: z.string(),
  hosts: Hosts,
  localities: Localities.optional(),
  tableSize: z.int(),
  expect: MaglevExpectation.refine(isSomething, 'expects nothing'),
  source: Source,
});

const RingCase = z.strictObject({
  id: Id,
  kind: z.literal('ring'),
  title: z.string(),
  hosts: Hosts,
  localities: Localities.optional(),
  hashFunction: z.enum(['xxHash64', 'murmurHash2']),
  minRingSize: z.int(),
  maxRingSize: z.int().optional(),
  expect: RingExpectation.refine(isSomething, 'expects nothing'),
  source: Source,
});

/** A whole file. */
export const HashVectors = z.strictObject({
  corpus: z.literal('hash-vectors'),
  schemaVersion: z.literal(1),
  title: z.string().optional(),
  cases: z.array(z.discriminatedUnion('kind', [HashCase, MaglevCase, RingCase])).min(1),
});

export type HashVectorCase = z.output<typeof HashVectors>['cases'][number];
export type HashCase = z.output<typeof HashCase>;
export type MaglevCase = z.output<typeof MaglevCase>;
export type RingCase = z.output<typeof RingCase>;
