/** The format `http2-frames`, version 1. Strict: an unknown word is an error. */
import * as z from 'zod';
import { Latin1 } from './bytes-format.ts';
import { Seen, Source, Status } from './seen-format.ts';

/** Types by name, in the order of their numbers. */
export const FRAME_TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
] as const;

const Octet = z.int().min(0).max(255);
const Hex = z.string().regex(/^([0-9a-f]{2})*$/);

const Frame = z.strictObject({
  do: z.literal('frame'),
  type: z.union([z.enum(FRAME_TYPES), Octet]),
  flags: z
    .union([z.array(z.enum(['END_STREAM', 'ACK', 'END_HEADERS', 'PADDED', 'PRIORITY'])), Octet])
    .optional(),
  stream: z.union([z.int().min(0), z.literal('loop')]),
  length: z.int().optional(),
  headers: z
    .array(z.union([z.tuple([Latin1, Latin1]), z.tuple([Latin1, Latin1, z.int().min(1)])]))
    .optional(),
  payload: z
    .union([Hex, z.array(z.union([Hex, z.strictObject({ hex: Hex, times: z.int().min(1) })]))])
    .optional(),
});
export type FrameAction = z.output<typeof Frame>;

const Action = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('preface') }),
  Frame,
  z.strictObject({
    do: z.literal('loop'),
    times: z.int(),
    stream: z.strictObject({ first: z.int(), step: z.int() }).optional(),
    actions: z.array(Frame).min(1),
  }),
  z.strictObject({ do: z.literal('wait'), ms: z.int() }),
  z.strictObject({
    do: z.literal('expect'),
    frame: z.string(),
    stream: z.int().optional(),
    withinMs: z.int().optional(),
  }),
]);
export type Action = z.output<typeof Action>;

/** Bounds of the process under test while a case runs. */
const Limits = z
  .strictObject({ cpuMs: z.number().optional(), rssMiB: z.number().optional() })
  .refine((it) => Object.keys(it).length > 0, 'limits nothing');
export type UsageLimits = z.output<typeof Limits>;

const Expectation = z.strictObject({
  verdict: z.enum(['ACCEPT', 'STREAM_REJECT', 'CONNECTION_REJECT', 'LIMIT', 'EITHER']),
  stream: z.int().optional(),
  status: z.array(Status).optional(),
  codes: z.array(z.int().min(0).max(13)).optional(),
  closed: z.boolean().optional(),
  completeMax: z.int().optional(),
  concurrentMax: z.int().optional(),
  forwarded: z.array(Seen).optional(),
  limits: Limits.optional(),
  deadlineMs: z.int().optional(),
  never: z.string().optional(),
  note: z.string().optional(),
});
export type FramesExpectation = z.output<typeof Expectation>;

export const Http2Frames = z.strictObject({
  corpus: z.literal('http2-frames'),
  schemaVersion: z.literal(1),
  title: z.string().optional(),
  cases: z
    .array(
      z.strictObject({
        id: z.string().regex(/^2-[0-9]{2}[a-z]?$/),
        title: z.string(),
        class: z.string(),
        actions: z.array(Action).min(2),
        expect: Expectation,
        source: Source,
      }),
    )
    .min(1),
});
export type Http2FramesCase = z.output<typeof Http2Frames>['cases'][number];
