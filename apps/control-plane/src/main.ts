#!/usr/bin/env node
/** `leno-control-plane`: reads its settings, runs until it is told to stop, and says how it went. */
import { messageOf } from '@leno/std';
import { JsonLogger } from '@leno/std/node';
import { type ControlPlane, startControlPlane } from './app.ts';
import { readSettings, type Settings } from './env.ts';
import { addressText } from './listen-error.ts';
import { SettingsError } from './settings-error.ts';

const exitSettings = 64;

async function main(): Promise<void> {
  let settings: Settings;
  try {
    settings = readSettings();
  } catch (thrown) {
    fail(thrown);
  }
  const log = new JsonLogger({ level: settings.logLevel, fields: { program: 'control-plane' } });
  let controlPlane: ControlPlane;
  try {
    controlPlane = await startControlPlane(settings, log);
  } catch (thrown) {
    fail(thrown);
  }
  const { trustPin } = controlPlane;
  const [api, push] = [addressText(controlPlane.api), addressText(controlPlane.push)];
  process.stdout.write(`${JSON.stringify({ ready: true, api, push, trustPin })}\n`);
  log.info('ready', { api, push });
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { signal });
    void controlPlane.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function fail(thrown: unknown): never {
  process.stderr.write(`leno-control-plane: ${messageOf(thrown)}\n`);
  process.exit(thrown instanceof SettingsError ? exitSettings : 1);
}

await main();
