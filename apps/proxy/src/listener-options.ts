import { type ConnectionCap, FieldList, type HttpServerOptions } from '@leno/http';
import { systemClock, systemTimers } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import type { Settings } from './env.ts';
import { serverLimitsOf, streamLimitsOf } from './limits/limit-settings.ts';

/**
 * So long a client that has ended its half may wait for a reply. One that has gone looks the same, is
 * far more common, and should free its upstream at once.
 */
const HALF_CLOSE_GRACE_MS = 250;

/** What holds for a listener; `name` stands in the log. A port of a gateway is bounded as what comes in. */
export function listenerOptions(
  settings: Settings,
  name: string,
  { log, cap }: { readonly log: JsonLogger; readonly cap: ConnectionCap },
): Omit<HttpServerOptions, 'handler'> {
  const { LENO_INBOUND_CONNECTIONS_MAX: inbound, LENO_OUTBOUND_CONNECTIONS_MAX: outbound } =
    settings;
  return {
    clock: systemClock,
    timers: systemTimers,
    cap,
    limits: {
      ...serverLimitsOf(settings),
      connectionCountMax: name === 'outbound' ? outbound : inbound,
    },
    http2: { streamCountMax: settings.LENO_STREAM_COUNT_MAX, ...streamLimitsOf(settings) },
    halfCloseGraceMs: HALF_CLOSE_GRACE_MS,
    onRejected: (rejection) => {
      log.debug('refused before any handler', { listener: name, ...rejection });
      return FieldList.of([['x-leno-reason', rejection.reason]]);
    },
  };
}
