import { parseArgs } from 'node:util';
import { LenoError, messageOf } from '@leno/std';
import * as z from 'zod';

/** The command line cannot be used; every mistake is in the message. Exit code 64. */
export class UsageError extends LenoError {
  readonly code = 'LENO_DEMO_USAGE';
  readonly fault = 'downstream';
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

const Duration = z
  .string()
  .regex(/^\d+(ms|s|m|h)$/, 'wants a duration such as 20s or 2m')
  .transform((text) => {
    const [, count = '0', unit = 's'] = /^(\d+)(\D+)$/.exec(text) ?? [];
    return Number(count) * (unitMs[unit] ?? 1_000);
  })
  .refine((it) => it > 0, 'is longer than nothing');

const address = z.string().regex(/^[^:]+:\d{1,5}$/, 'wants HOST:PORT');

const Options = z.object({
  for: Duration.optional(),
  report: z.string().min(1).optional(),
  rps: z.coerce.number().min(1).max(5_000).default(110),
  'base-dir': z.string().min(1).default('.leno/demo'),
  'api-listen': address.optional(),
  'push-listen': address.optional(),
  'shop-port': z.coerce.number().int().min(1).max(65_535).optional(),
});

/** What the demo was asked to do. */
export interface DemoOptions {
  /** How long to run and then check itself; undefined runs until Ctrl-C. */
  readonly forMs: number | undefined;
  /** Where the report goes. */
  readonly reportFile: string | undefined;
  /** Requests of visitors to the shop a second. Default 110. */
  readonly requestsPerSecond: number;
  /** Where the run keeps its files. Default `.leno/demo`. */
  readonly baseDirectory: string;
  /** Undefined: 127.0.0.1:9901, or a free port if that is taken. */
  readonly apiListen: string | undefined;
  /** Undefined: 127.0.0.1:9902, or a free port if that is taken. */
  readonly pushListen: string | undefined;
  /** Undefined: 9900, or a free port if that is taken. */
  readonly shopPort: number | undefined;
}

/** What `--help` prints. */
export const usage = `pnpm demo [options]: Leno Coffee, 14 apps with sidecars and one without, under load

  --for 20s            run so long, check everything, exit 0 if healthy and 1 if not
  --report FILE        write what was found as JSON
  --rps N              requests of visitors to the shop a second (110)
  --base-dir DIR       where the run keeps its files (.leno/demo)
  --api-listen H:P     API and dashboard (127.0.0.1:9901, or a free port)
  --push-listen H:P    where proxies connect (127.0.0.1:9902, or a free port)
  --shop-port N        the shop (9900, or a free port)`;

/** Reads the command line; undefined if help was asked for. */
export function readOptions(args: readonly string[]): DemoOptions | undefined {
  const names = Object.keys(Options.shape);
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  let values: Record<string, unknown>;
  try {
    const known = { ...options, help: { type: 'boolean' as const, short: 'h' } };
    ({ values } = parseArgs({ args: args.filter((it) => it !== '--'), options: known }));
  } catch (thrown) {
    throw new UsageError(messageOf(thrown));
  }
  if (values['help'] === true) return undefined;
  const parsed = Options.safeParse(values);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((it) => `--${it.path.join('.')} ${it.message}`);
    throw new UsageError(lines.join('\n'));
  }
  const { data } = parsed;
  return {
    forMs: data.for,
    reportFile: data.report,
    requestsPerSecond: data.rps,
    baseDirectory: data['base-dir'],
    apiListen: data['api-listen'],
    pushListen: data['push-listen'],
    shopPort: data['shop-port'],
  };
}
