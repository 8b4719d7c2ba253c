import type { JSX } from 'preact';
import { serviceName, timeOfDay } from '../format.ts';
import type { MeshEvent } from '../live/api.ts';
import { events, matches } from '../live/state.ts';
import { Mark, type Tone } from './mark.tsx';
import { type Column, Table } from './table.tsx';

const tones: Readonly<Record<MeshEvent['severity'], Tone>> = {
  info: 'idle',
  warning: 'warn',
  error: 'bad',
};

const shownCountMax = 25;

const columns: readonly Column<MeshEvent>[] = [
  { title: 'Time', cell: (it) => <time>{timeOfDay(it.atMs)}</time> },
  { title: 'Kind', cell: (it) => <Mark tone={tones[it.severity]}>{it.kind}</Mark> },
  { title: 'Subject', cell: (it) => <b>{serviceName(it.subject)}</b> },
  { title: 'What happened', cell: (it) => it.message },
];

/** What happened, the newest first; the filter looks through all that is kept. */
export function EventsTable(): JSX.Element {
  const shown = events.value.filter((it) => matches(it.kind, it.severity, it.subject, it.message));
  return (
    <Table
      id="events"
      title="Events"
      note="the newest first"
      columns={columns}
      rows={shown.slice(0, shownCountMax)}
      keyOf={(it) => String(it.seq)}
      empty={
        events.value.length === 0 ? 'Nothing has happened yet.' : 'No event matches the filter.'
      }
    />
  );
}
