import type { JSX } from 'preact';
import { span, timeOfDay } from '../format.ts';
import { frame, link, nowMs } from '../live/state.ts';

/** What must be seen before any figure: that the page is offline, and the alarms of the mesh. */
export function Notices(): JSX.Element {
  const status = frame.value?.status;
  return (
    <div class="notices">
      <Offline />
      {status?.alarms.map((alarm) => (
        <p key={alarm.code} class="notice bad" role="alert">
          <b>{alarm.code}</b> {alarm.message}{' '}
          <span class="dim">for {span(status.nowMs - alarm.sinceMs)}</span>
        </p>
      ))}
    </div>
  );
}

function Offline(): JSX.Element | null {
  const state = link.value;
  if (state.kind !== 'offline') return null;
  const known = frame.value;
  const figures =
    known === undefined
      ? 'Nothing is known yet.'
      : `Figures are of ${timeOfDay(known.status.nowMs)}.`;
  const retryInMs = Math.max(0, state.retryAtMs - nowMs.value);
  return (
    <p class="notice bad" role="alert">
      <b>OFFLINE</b> No word from the control plane for {span(nowMs.value - state.sinceMs)}. Traffic
      goes on without it. {figures}{' '}
      <span class="dim">
        {retryInMs < 1_000 ? 'Connecting…' : `Next attempt in ${span(retryInMs)}.`}
      </span>
    </p>
  );
}
