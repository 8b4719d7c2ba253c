/** `node app-main.ts ROLE`: one app of the fleet. Says on standard output when it listens. */
import type { AddressInfo } from 'node:net';
import { messageOf, systemClock, systemRng } from '@leno/std';
import { createApp } from './app/http-app.ts';
import { roles } from './apps/roles.ts';
import { readAppEnv } from './env.ts';

const usageExit = 64;
const closeGraceMs = 1_000;

function main(): void {
  const role = roles.get(process.argv[2] ?? '');
  if (role === undefined) fail(`which app? One of: ${[...roles.keys()].join(', ')}`);
  const settings = readSettings();
  const { version, addresses, host, port } = settings;
  const { server } = createApp({ role, version, addresses, clock: systemClock, rng: systemRng });
  server.on('error', (thrown) => fail(`${role.name}: ${thrown.message} (set PORT)`));
  server.listen(port, host, () => {
    const { address, port: bound } = server.address() as AddressInfo;
    console.log(JSON.stringify({ ready: true, app: `${address}:${bound}` }));
  });
  const stop = () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(0), closeGraceMs);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

function readSettings() {
  try {
    return readAppEnv();
  } catch (thrown) {
    return fail(messageOf(thrown));
  }
}

function fail(why: string): never {
  console.error(why);
  process.exit(usageExit);
}

main();
