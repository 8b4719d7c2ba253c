import * as z from 'zod';

const AppEnv = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  DEMO_VERSION: z.string().default('v1'),
  /** `service=host:port,…`: where to dial instead of `http://service`, for what has no proxy. */
  DEMO_ADDRESSES: z
    .string()
    .regex(/^$|^[a-z-]+=[^,=]+(,[a-z-]+=[^,=]+)*$/)
    .default(''),
});

/** The settings of one app. */
export interface AppSettings {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly addresses: ReadonlyMap<string, string>;
}

/** Reads the environment of an app; throws with every mistake in it at once. */
export function readAppEnv(): AppSettings {
  const parsed = AppEnv.safeParse(process.env);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { HOST, PORT, DEMO_VERSION, DEMO_ADDRESSES } = parsed.data;
  const pairs = DEMO_ADDRESSES === '' ? [] : DEMO_ADDRESSES.split(',');
  const addresses = pairs.map((pair): [string, string] => {
    const equalsAt = pair.indexOf('=');
    return [pair.slice(0, equalsAt), pair.slice(equalsAt + 1)];
  });
  return { host: HOST, port: PORT, version: DEMO_VERSION, addresses: new Map(addresses) };
}

const inherited = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

/** What every process of the fleet gets from the environment of the demo: no more than it must. */
export function childEnvironment(): Record<string, string> {
  const pairs = inherited.map((name): [string, string] => [name, process.env[name] ?? '']);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
}
