import { expect, test } from 'vitest';
import { type Link, LiveStream, type SocketEvents, silenceMsMax } from './stream.ts';

const frame = JSON.stringify({ t: 'live', status: {}, proxies: [], topology: { edges: [] } });

/** A stream in virtual time: `say`, `end` act on the newest socket, `pass` lets time go by. */
function world() {
  const sockets: { events: SocketEvents; isClosed: boolean }[] = [];
  const links: Link[] = [];
  let nowMs = 0;
  let frameCount = 0;
  let timers: { atMs: number; fire: () => void }[] = [];
  const stream = new LiveStream({
    open(events) {
      const socket = { events, isClosed: false };
      sockets.push(socket);
      return () => void (socket.isClosed = true);
    },
    nowMs: () => nowMs,
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire };
      timers.push(timer);
      return () => void (timers = timers.filter((it) => it !== timer));
    },
    rng: () => 1,
    onFrame: () => void (frameCount += 1),
    onLink: (link) => void links.push(link),
  });
  const pass = (ms: number) => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += 100) {
      const due = timers.filter((it) => it.atMs <= nowMs);
      timers = timers.filter((it) => it.atMs > nowMs);
      for (const it of due) it.fire();
    }
  };
  const say = (data: unknown) => sockets.at(-1)?.events.message(data);
  const end = () => sockets.at(-1)?.events.end();
  const kinds = () => links.map((it) => it.kind).join(' ');
  const counts = () => ({ frames: frameCount, sockets: sockets.length, timers: timers.length });
  return { stream, sockets, links, pass, say, end, kinds, counts, now: () => nowMs };
}

test('a frame makes it live; what is not a frame changes nothing', () => {
  const { stream, say, kinds, counts } = world();
  stream.connect();
  for (const data of ['no json', '{"t":"other"}', '{"t":"live"}', new ArrayBuffer(1)]) say(data);
  expect(kinds()).toBe('connecting');
  say(frame);
  say(frame);
  expect(kinds()).toBe('connecting live');
  expect(counts().frames).toBe(2);
});

test('silence is the end of a stream that nobody closed', () => {
  const { stream, sockets, pass, say, kinds } = world();
  stream.connect();
  say(frame);
  pass(silenceMsMax);
  expect(kinds()).toBe('connecting live');
  pass(200);
  expect(kinds()).toBe('connecting live offline');
  expect(sockets[0]?.isClosed).toBe(true);
});

test('it says since when it is offline, tries ever more slowly, and starts anew once live', () => {
  const { stream, links, pass, say, end, kinds } = world();
  stream.connect();
  say(frame);
  const delays: number[] = [];
  for (let failure = 0; failure < 6; failure += 1) {
    end();
    const link = links.at(-1);
    if (link?.kind === 'offline') delays.push(link.retryAtMs - link.sinceMs);
    pass(5_200);
  }
  expect(delays[0]).toBe(500);
  expect(links.filter((it) => it.kind === 'offline').every((it) => it.sinceMs === 0)).toBe(true);
  say(frame);
  expect(kinds().endsWith('offline live')).toBe(true);
  end();
  const last = links.at(-1);
  expect(last?.kind === 'offline' && last.retryAtMs - last.sinceMs).toBe(500);
});

test('delays are bounded', () => {
  const { stream, links, pass, end, now } = world();
  stream.connect();
  const delays: number[] = [];
  for (let failure = 0; failure < 12; failure += 1) {
    end();
    const link = links.at(-1);
    if (link?.kind === 'offline') delays.push(link.retryAtMs - now());
    pass(5_100);
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, ...Array<number>(8).fill(5_000)]);
});

test('a socket that was given up says nothing more, and stop leaves no timer', () => {
  const { stream, sockets, pass, end, kinds, counts } = world();
  stream.connect();
  end();
  pass(600);
  sockets[0]?.events.message(frame);
  sockets[0]?.events.end();
  expect(kinds()).toBe('connecting offline');
  stream.stop();
  expect(counts()).toEqual({ frames: 0, sockets: 2, timers: 0 });
});

test('connecting anew while live says so, and says live again', () => {
  const { stream, say, kinds, counts } = world();
  stream.connect();
  say(frame);
  stream.connect();
  say(frame);
  expect(kinds()).toBe('connecting live connecting live');
  expect(counts()).toEqual({ frames: 2, sockets: 2, timers: 1 });
});
