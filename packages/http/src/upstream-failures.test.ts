import { describe, expect, it } from 'vitest';
import type { OutgoingRequest } from './exchange.ts';
import { answering, bed, bytes, exchange, get, OK, post } from './testing/pool-bed.ts';
import { turn } from './testing/server-bed.ts';
import { RecordedTry } from './testing/sinks.ts';

// Failures before a head
it('nobody listens', async () => {
  const { upstream, pool } = await bed();
  upstream.close();
  expect((await exchange(pool)).log).toEqual(['failure connect-failed unprocessed']);
  expect(pool.stats).toMatchObject({
    connectFailureCount: 1,
    pendingCount: 0,
    connectionCount: 0,
  });
});

it('nobody answers the call', async () => {
  const { pool, time } = await bed(undefined, { address: '192.0.2.1', port: 9 });
  const events = new RecordedTry();
  pool.request(get, events);
  time.advance(1_000);
  expect(['connect-timeout', 'connect-failed']).toContain(await events.outcome);
  expect(events.failure?.unprocessed).toBe(true);
});

it.each<[string, OutgoingRequest, string]>([
  ['a fresh connection', get, 'failure upstream-reset'],
  ['a fresh connection, POST', { ...post, contentLength: 0 }, 'failure upstream-reset'],
])('reset of %s after the head was read', async (_, outgoing, expected) => {
  const { pool } = await bed((peer) => {
    peer.socket.once('data', () => peer.socket.resetAndDestroy());
  });
  expect((await exchange(pool, outgoing)).log).toEqual(['sent', expected]);
});

it.each<[string, OutgoingRequest, string]>([
  ['GET: the idle race, nothing was processed', get, 'failure upstream-reset unprocessed'],
  [
    'RFC 9110 §9.2.2: POST, nobody can know',
    { ...post, contentLength: 0 },
    'failure upstream-reset',
  ],
])('reset of a reused connection, %s', async (_, outgoing, expected) => {
  const { pool } = await bed((peer) => {
    peer.socket.once('data', () => {
      peer.send(OK);
      peer.socket.once('data', () => peer.socket.resetAndDestroy());
    });
  });
  await exchange(pool);
  expect((await exchange(pool, outgoing)).log).toEqual(['sent reused', expected]);
});

it('reset of a reused connection after body was sent', async () => {
  const { pool } = await bed((peer) => {
    peer.socket.once('data', () => {
      peer.send(OK);
      peer.socket.once('data', () => peer.socket.resetAndDestroy());
    });
  });
  await exchange(pool);
  const events = new RecordedTry();
  pool.request({ ...get, method: 'PUT', contentLength: undefined }, events).body.write(bytes('x'));
  await events.outcome;
  expect(events.log).toEqual(['sent reused', 'failure upstream-reset']);
});

it('idle race at full speed: every GET is answered or provably not processed', async () => {
  // An upstream that closes each connection right after its second reply, without saying so.
  const { pool } = await bed((peer) => {
    let count = 0;
    peer.socket.on('data', () => {
      count += 1;
      peer.send(OK);
      if (count === 2) peer.socket.end();
    });
  });
  const counts = new Map<string, number>();
  for (let round = 0; round < 300; round += 1) {
    const events = await exchange(pool);
    const outcome = events.log.at(-1) ?? '';
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  counts.delete('head 200');
  counts.delete('failure upstream-reset unprocessed');
  expect([...counts]).toEqual([]);
});

it('killed in the middle of a reply: the sink is aborted', async () => {
  const { pool } = await bed((peer) => {
    peer.socket.once('data', () => {
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      setImmediate(() => peer.socket.resetAndDestroy());
    });
  });
  const events = await exchange(pool);
  expect([await events.outcome, events.body.text]).toEqual(['abort', 'hello']);
  expect(events.failure).toBeUndefined();
});

describe('giving up', () => {
  it('while waiting: nothing is sent', async () => {
    const { upstream, pool } = await bed(answering(OK));
    const events = new RecordedTry();
    pool.request(get, events).cancel();
    const other = await exchange(pool);
    expect(other.body.text).toBe('ok');
    expect([events.log, upstream.peers[0]?.text.split('GET').length]).toEqual([[], 2]);
  });

  it.each([
    ['after the head was sent', ''],
    ['within the reply', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart'],
  ])('%s: the connection goes, no event comes', async (_, reply) => {
    const { upstream, pool } = await bed();
    const events = new RecordedTry();
    const attempt = pool.request(get, events);
    const peer = await upstream.peer(0);
    await peer.read('\r\n\r\n');
    peer.send(reply);
    while (reply !== '' && events.body.text === '') await turn();
    const before = events.log.length;
    attempt.cancel();
    attempt.cancel();
    await peer.end();
    expect([events.log.length, events.body.endings]).toEqual([before, []]);
    expect(pool.stats.connectionCount).toBe(0);
  });

  it('a body that is aborted is never whole upstream, and blames nobody', async () => {
    const { upstream, pool } = await bed();
    const events = new RecordedTry();
    const { body } = pool.request(post, events);
    body.write(bytes('part'));
    const peer = await upstream.peer(0);
    await peer.read('part');
    body.abort('the client went away');
    expect(await peer.end()).not.toContain('0\r\n\r\n');
    expect(events.log).toEqual(['sent']);
  });
});
