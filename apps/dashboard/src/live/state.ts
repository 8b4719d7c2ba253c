/** What the page knows, as signals: each view redraws by what it reads. */
import { computed, signal } from '@preact/signals';
import type { Frame, MeshEvent } from './api.ts';
import { type Link, LiveStream } from './stream.ts';

const eventCountMax = 200;
const historyCountMax = 90;

/** The last frame; it stays when the link is lost. */
export const frame = signal<Frame | undefined>(undefined);
export const link = signal<Link>({ kind: 'connecting' });
/** The newest first. */
export const events = signal<readonly MeshEvent[]>([]);
/** Requests per second and failures, a point a second, for the small curves. */
export const history = signal<readonly { readonly rps: number; readonly p99Ms: number }[]>([]);
/** The reader's clock, once a second. */
export const nowMs = signal(Date.now());
/** Words that rows must hold to be shown. */
export const filter = signal('');

export const isStale = computed(() => link.value.kind === 'offline');

/** Whether a row with these texts is shown. */
export function matches(...texts: readonly string[]): boolean {
  const row = texts.join(' ').toLowerCase();
  const words = filter.value.toLowerCase().split(/\s+/);
  return words.every((word) => row.includes(word));
}

/** Starts the stream of this page, and the clock. */
export function start(): void {
  const url = new URL('/v1/stream', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const stream = new LiveStream({
    open(events) {
      const socket = new WebSocket(url);
      socket.onmessage = (message) => events.message(message.data);
      socket.onclose = () => events.end();
      return () => socket.close();
    },
    nowMs: () => Date.now(),
    after(delayMs, fire) {
      const timer = setTimeout(fire, delayMs);
      return () => clearTimeout(timer);
    },
    rng: Math.random,
    onFrame: take,
    onLink: (next) => {
      link.value = next;
      if (next.kind === 'live') void loadEvents();
    },
  });
  stream.connect();
  addEventListener('online', () => stream.connect());
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
}

function take(next: Frame): void {
  frame.value = next;
  addEvents(next.events);
  const { rps, p99Ms } = next.status.traffic;
  history.value = [...history.value, { rps, p99Ms: p99Ms ?? 0 }].slice(-historyCountMax);
}

/** What happened before the page was open, or while it was offline. */
async function loadEvents(): Promise<void> {
  try {
    const reply = await fetch('/v1/events?limit=200', { headers: { accept: 'application/json' } });
    if (!reply.ok) return;
    addEvents(((await reply.json()) as { readonly events: readonly MeshEvent[] }).events);
  } catch {
    // The stream says that it is offline; this list follows when it is back.
  }
}

function addEvents(more: readonly MeshEvent[] | undefined): void {
  if (more === undefined || more.length === 0) return;
  const bySeq = new Map([...events.value, ...more].map((event) => [event.seq, event]));
  const sorted = [...bySeq.values()].sort((a, b) => b.seq - a.seq);
  events.value = sorted.slice(0, eventCountMax);
}
