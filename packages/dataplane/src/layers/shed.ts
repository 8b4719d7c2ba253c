/**
 * Both sides: refuses new calls while the process is short of memory or time (see `overload/`), all of
 * them or a share. The application has seen nothing, and the reply says so: a calling sidecar tries
 * elsewhere within its budget, an application is told to come back later.
 */
import type { Layer } from '../layer.ts';

export const shed: Layer = {
  name: 'shed',
  enter(call) {
    if (!call.engine.sheds(call.direction)) return 'next';
    call.fail('overloaded', 'this proxy is short of memory or time');
    return 'stop';
  },
};
