import { expect, test } from 'vitest';
import { judgeExchange, type Observation, recorderBody } from './judge-exchange.ts';
import type { Recorded } from './judge-seen.ts';
import type { Reply } from './reply-reader.ts';
import type { PathExpectation, RequestExpectation } from './seen-format.ts';

const context = { client: '127.0.0.2', proxyFields: ['x-id'] };
const forwarded = [{ method: 'GET', target: '/p' }];
const accept = { verdict: 'ACCEPT', forwarded } as const;
const reject = { verdict: 'REJECT', status: [400] } satisfies RequestExpectation;
const either = {
  verdict: 'EITHER',
  status: [400, 404],
  forwarded,
} satisfies RequestExpectation;
const request: Recorded = {
  upstream: 'svc',
  method: 'GET',
  target: '/p',
  fields: [
    ['Host', 'svc.local'],
    ['X-Id', '1'],
    ['X-For', '127.0.0.2'],
  ],
  trailers: [['X-T', '1']],
  body: Buffer.alloc(0),
};

function reply(status: number, body = status === 200 ? recorderBody('GET', '/p') : ''): Reply {
  const octets = Buffer.from(body);
  return { status, body: octets, fields: [], trailers: [], framing: 'length', isWhole: true };
}

/** What was seen: by default one request and its reply. */
function seen(more: Partial<Observation> & { statuses?: readonly number[] } = {}): Observation {
  const { statuses = [200], ...rest } = more;
  const finals = statuses.map((it) => reply(it));
  return {
    replies: { finals, interims: [], problem: undefined },
    isClosed: false,
    recorded: [request],
    unfinishedCount: 0,
    upstreamOctets: 'GET /p HTTP/1.1\r\nX-Secret: sa/Admin',
    ...rest,
  };
}
const refused = seen({ statuses: [400], recorded: [], isClosed: true });
const notFound = seen({ statuses: [404], recorded: [], isClosed: false });

test.each<[string, Observation, RequestExpectation]>([
  ['one forwarded', seen(), accept],
  ['one refused', refused, reject],
  ['a bare close', seen({ statuses: [], recorded: [], isClosed: true }), reject],
  ['either, refused', refused, either],
  ['either, accepted', seen(), either],
  [
    'another list',
    seen(),
    { ...either, forwarded: [{ method: 'PUT', target: '/' }], orForwarded: [forwarded] },
  ],
  ['own statuses', seen({ statuses: [200, 400] }), { ...accept, responses: [200, 400] }],
  [
    'a target of several',
    seen(),
    { ...accept, forwarded: [{ method: 'GET', targetOneOf: ['/q', '/p'] }] },
  ],
  [
    'a body of several',
    seen(),
    { ...accept, forwarded: [{ method: 'GET', target: '/p', bodyOneOf: ['x', ''] }] },
  ],
  [
    'its address',
    seen(),
    {
      ...accept,
      forwarded: [{ method: 'GET', target: '/p', headersMatch: { 'x-for': '^{CLIENT}$' } }],
    },
  ],
  [
    'the headers of the proxy',
    seen(),
    { ...accept, forwarded: [{ method: 'GET', target: '/p', keepsProxyHeaders: true }] },
  ],
])('passes: %s', (_, observation, expected) => {
  expect(judgeExchange(observation, expected, context)).toBeUndefined();
});

test.each<[string, Observation, RequestExpectation, RegExp]>([
  ['smuggled', seen({ recorded: [request, request] }), accept, /2 requests upstream/],
  ['forwarded and refused', seen({ statuses: [400], isClosed: true }), reject, /came upstream/],
  [
    'another status',
    seen({ statuses: [404], recorded: [], isClosed: true }),
    reject,
    /404, not 400/,
  ],
  ['not closed', { ...refused, isClosed: false }, reject, /stays open/],
  ['either, refused, not closed', notFound, either, /stays open/],
  ['not destroyed', { ...refused, unfinishedCount: 1 }, reject, /not destroyed/],
  [
    'at another upstream',
    seen({ recorded: [{ ...request, upstream: 'other' }] }),
    accept,
    /at other/,
  ],
  ['with a body', seen({ recorded: [{ ...request, body: Buffer.from('x') }] }), accept, /body "x"/],
  ['a reply too many', seen({ statuses: [200, 200] }), accept, /statuses 200,200/],
  [
    'the reply of another',
    seen({ recorded: [{ ...request, method: 'PUT' }] }),
    { verdict: 'ACCEPT', forwarded: [{ method: 'PUT', target: '/p' }] },
    /reply 1 is/,
  ],
  ['kept open', seen(), { ...accept, closed: true }, /stays open/],
  ['octets upstream', seen(), { ...accept, neverUpstream: ['SA/ADMIN'] }, /came upstream/],
  ['a status', seen(), { ...accept, neverStatus: [200] }, /got 200/],
  [
    'a trailer',
    seen(),
    { ...accept, forwarded: [{ method: 'GET', target: '/p', absentTrailers: ['x-t'] }] },
    /trailer x-t/,
  ],
  [
    'the address of another',
    seen(),
    {
      ...accept,
      forwarded: [{ method: 'GET', target: '/p', headersIfPresent: { 'x-for': '^10.{CLIENT}$' } }],
    },
    /x-for/,
  ],
  [
    'a header of the proxy lost',
    seen({ recorded: [{ ...request, fields: [] }] }),
    { ...accept, forwarded: [{ method: 'GET', target: '/p', keepsProxyHeaders: true }] },
    /x-id of the proxy/,
  ],
])('fails: %s', (_, observation, expected, problem) => {
  expect(judgeExchange(observation, expected, context)).toMatch(problem);
});

test('DENY lets the connection live, and nothing through', () => {
  const deny = { verdict: 'DENY', status: [403, 404] } satisfies PathExpectation;
  expect(judgeExchange(notFound, deny, context)).toBeUndefined();
  expect(judgeExchange(seen(), deny, context)).toMatch(/came upstream/);
});

test('a reply that does not end is none', () => {
  const cut = { ...reply(200), isWhole: false };
  const replies = { finals: [cut], interims: [], problem: undefined };
  expect(judgeExchange(seen({ replies }), accept, context)).toMatch(/does not end/);
});

test('what is not HTTP fails any case', () => {
  const replies = { finals: [], interims: [], problem: 'a line' };
  const closed = seen({ replies, recorded: [], isClosed: true });
  expect(judgeExchange(closed, reject, context)).toMatch(/not HTTP: a line/);
});
