import { systemHeldTimers } from '@leno/std';
import { releaseStartupMemory } from './startup-memory.ts';
import type { NumberedOrder } from './workers/protocol.ts';
import { OrderServer } from './workers/serve-orders.ts';

/** A worker process of a proxy: started by its supervisor only, told everything over the channel. */
if (process.send === undefined) {
  process.stderr.write(
    'leno-proxy: this is a part of leno-proxy, which starts it: see LENO_WORKERS\n',
  );
  process.exit(64);
}

// When to go is for the supervisor to say, also where a signal is sent to all processes of a service.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
let hasClosed = false;
// Without a supervisor there is no renewal, no configuration and nobody to end this process.
process.on('disconnect', () => process.exit(hasClosed ? 0 : 1));

releaseStartupMemory();
const server = new OrderServer({
  timers: systemHeldTimers,
  send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
  closed: () => {
    hasClosed = true;
    process.disconnect();
  },
});
process.on('message', (message) => void server.take(message as NumberedOrder));
