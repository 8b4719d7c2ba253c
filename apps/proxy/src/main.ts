#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=4
import { messageOf } from '@leno/std';
import { JsonLogger } from '@leno/std/node';
import { startProxy } from './app.ts';
import { readSettings, SettingsError, unknownVariables } from './env.ts';
import { releaseStartupMemory } from './startup-memory.ts';

/**
 * Resolves with the first signal that asks the process to go; the same one again ends it at once. Asked
 * before anything is started, so that a signal that comes meanwhile is heeded when all of it stands.
 */
function firstSignal(log: JsonLogger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal);
        process.once(signal, () => {
          log.error('told twice: going at once, whatever is under way', { signal });
          process.exit(1);
        });
      });
    }
  });
}

/** Environment, application, signals, exit code; nothing else happens here. */
async function main(): Promise<number> {
  const settings = readSettings();
  const log = new JsonLogger({
    level: settings.LENO_LOG_LEVEL,
    fields: { program: 'leno-proxy', service: settings.LENO_SERVICE },
  });
  for (const name of unknownVariables()) log.warn('not a setting of the proxy', { name });
  const asked = firstSignal(log);
  releaseStartupMemory();
  const proxy = await startProxy(settings, log);
  process.stdout.write(`${JSON.stringify({ ready: true, ...proxy.addresses })}\n`);
  // Either a signal or an order on the admin interface ends the process.
  const drained = proxy.drained.then(() => undefined);
  const signal = await Promise.race([asked, drained]);
  log.info('going away', { signal: signal ?? 'none: drained' });
  await proxy.drain();
  return 0;
}

try {
  process.exit(await main());
} catch (thrown) {
  process.stderr.write(`leno-proxy: ${messageOf(thrown)}\n`);
  process.exit(thrown instanceof SettingsError ? 64 : 1);
}
