import { messageOf } from '@leno/std';
import { JsonLogger } from '@leno/std/node';
import { startProxy } from './app.ts';
import { readSettings, SettingsError } from './env.ts';

/** Environment, application, signals, exit code; nothing else happens here. */
async function main(): Promise<number> {
  const settings = readSettings();
  const log = new JsonLogger({
    level: settings.LENO_LOG_LEVEL,
    fields: { program: 'leno-proxy', service: settings.LENO_SERVICE },
  });
  const proxy = await startProxy(settings, log);
  const { outbound, inbound, admin, metrics } = proxy.addresses;
  process.stdout.write(`${JSON.stringify({ ready: true, outbound, inbound, admin, metrics })}\n`);
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info('going away', { signal });
  await proxy.drain();
  return 0;
}

try {
  process.exit(await main());
} catch (thrown) {
  process.stderr.write(`leno-proxy: ${messageOf(thrown)}\n`);
  process.exit(thrown instanceof SettingsError ? 64 : 1);
}
