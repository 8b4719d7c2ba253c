import type { Engine } from '@leno/dataplane';
import type { HttpServer } from '@leno/http';
import type { Front } from './front.ts';
import { listen } from './listen.ts';
import type { TcpListeners } from './tcp-listen.ts';
import type { ListenerName } from './workers/workers.ts';

/** The front of a sidecar: one listener each way, and those for TCP. Configuration changes none. */
export function sidecarFront(
  servers: Readonly<Record<ListenerName, HttpServer>>,
  tcp: TcpListeners,
  engine: Engine,
): Front {
  const { outbound, inbound } = servers;
  return {
    listen: async (at, options) => ({
      ...(at.outbound && {
        outbound: await listen(outbound, at.outbound, {
          ...options,
          setting: 'LENO_OUTBOUND_LISTEN',
        }),
      }),
      ...(at.inbound && {
        inbound: await listen(inbound, at.inbound, { ...options, setting: 'LENO_INBOUND_LISTEN' }),
      }),
      tcp: await tcp.listen(at.tcp, options),
    }),
    prepare: () => Promise.resolve(),
    follow: () => undefined,
    drain: async (listener, withinMs) => {
      if (listener === 'outbound') tcp.stopListening();
      await Promise.all([servers[listener].drain(withinMs), engine.tcp.drain(listener, withinMs)]);
    },
    close: () => void tcp.close(),
    listeners: [
      { name: 'inbound', direction: 'inbound', stats: () => inbound.stats },
      { name: 'outbound', direction: 'outbound', stats: () => outbound.stats },
    ],
    tcpStats: () => tcp.stats,
    servers: () => [inbound, outbound, tcp],
    stats: () => ({ outbound: outbound.stats, inbound: inbound.stats, tcp: tcp.stats }),
    faults: () => [],
  };
}
