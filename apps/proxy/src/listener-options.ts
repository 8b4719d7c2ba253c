import { FieldList, type HttpServerOptions } from '@leno/http';
import { systemClock, systemTimers } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import type { Settings } from './env.ts';

/** So long a client that has ended its half may wait for a reply; one that has gone looks the same. */
const HALF_CLOSE_GRACE_MS = 1_000;

/** What holds for every listener of a proxy; `name` stands in the log. */
export function listenerOptions(
  settings: Settings,
  name: string,
  log: JsonLogger,
): Omit<HttpServerOptions, 'handler'> {
  return {
    clock: systemClock,
    timers: systemTimers,
    limits: {
      bodyByteCountMax: settings.LENO_BODY_BYTES_MAX,
      stallTimeoutMs: settings.LENO_STALL_TIMEOUT_MS,
    },
    http2: true,
    halfCloseGraceMs: HALF_CLOSE_GRACE_MS,
    onRejected: (rejection) => {
      log.debug('refused before any handler', { listener: name, ...rejection });
      return FieldList.of([['x-leno-reason', rejection.reason]]);
    },
  };
}
