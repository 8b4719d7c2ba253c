/** Clients that people use, unchanged, each through two sidecars: programs that the machine has. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashOfOctets, octets } from './support/depot.ts';
import { type DepotMesh, startDepotMesh } from './support/depot-mesh.ts';
import { hasProgram, run } from './support/program.ts';

let beds: DepotMesh;
let outbound: string;

beforeAll(async () => {
  beds = await startDepotMesh();
  outbound = beds.web.outbound;
});

afterAll(async () => {
  await beds?.stop();
});

const LONG = 3_000_000;
const body = (byteCount: number): Buffer => Buffer.concat([...octets(0, byteCount)]);

/** What is told of a request by the application that got it. */
interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly httpVersion: string;
}

const peer = 'spiffe://mesh.local/ns/default/sa/web';
const hashed = { byteCount: LONG, hash: hashOfOctets(LONG) };

const viaSidecar = (): string[] => ['--connect-to', `depot:80:${outbound}`];
const asProxy = (): string[] => ['--proxy', `http://${outbound}`];
const ways: readonly {
  readonly name: string;
  readonly args: () => string[];
  readonly version: string;
}[] = [
  { name: 'HTTP/1.1', args: viaSidecar, version: '1.1' },
  { name: 'HTTP/1.0', args: () => ['--http1.0', ...viaSidecar()], version: '1.0' },
  {
    name: 'HTTP/2 with prior knowledge',
    args: () => ['--http2-prior-knowledge', ...viaSidecar()],
    version: '2',
  },
  { name: 'HTTP/2 by upgrade', args: () => ['--http2', ...viaSidecar()], version: '1.1' },
  { name: 'a proxy, absolute form', args: asProxy, version: '1.1' },
  { name: 'a proxy, CONNECT', args: () => ['--proxytunnel', ...asProxy()], version: '1.1' },
];

async function curl(args: readonly string[], input?: Buffer): Promise<Buffer> {
  const told = await run('curl', ['-sS', '--fail', '--max-time', '30', ...args], {
    ...(input === undefined ? {} : { input }),
  });
  if (told.code !== 0) throw new Error(`curl ${args.join(' ')}: ${told.code} ${told.stderr}`);
  return told.stdout;
}

for (const { name, args, version } of ways) {
  test.skipIf(!hasProgram('curl'))(`curl: ${name} (needs curl)`, async () => {
    const seen = JSON.parse(String(await curl([...args(), 'http://depot/a?b=c']))) as Told;
    expect(seen).toMatchObject({ method: 'GET', url: '/a?b=c', httpVersion: '1.1' });
    expect(seen.headers).toMatchObject({ host: 'depot', 'x-leno-peer': peer });
    expect(Object.keys(seen.headers)).not.toContain('proxy-connection');
    expect(Object.keys(seen.headers)).not.toContain('http2-settings');
    const spoken = await curl([...args(), '-o/dev/null', '-w%{http_version}', 'http://depot/']);
    expect(String(spoken)).toBe(version === '1.0' ? '1.1' : version);
    const upload = [...args(), '--data-binary', '@-', '-HContent-Type: text/plain'];
    expect(JSON.parse(String(await curl([...upload, 'http://depot/hash'], body(LONG))))).toEqual(
      hashed,
    );
    const whole = await curl([...args(), `http://depot/octets/${LONG}`]);
    expect(whole.equals(body(LONG))).toBe(true);
    const last = ['-r', '1000-66999', `http://depot/octets/${LONG}`];
    const part = await curl([...args(), ...last]);
    expect(part.equals(body(67_000).subarray(1_000))).toBe(true);
    // Over one connection, but for HTTP/2: curl 7.88 fails to use one again with any server.
    const urls = ['http://depot/octets/9', 'http://depot/octets/8'].slice(version === '2' ? 1 : 0);
    const heads = await curl([...args(), '-I', ...urls]);
    expect(String(heads).match(/content-length: \d/gi)).toHaveLength(urls.length);
  });
}

test('curl: an upload that waits for 100, chunked, and one that is not taken', async ({ skip }) => {
  if (!hasProgram('curl')) skip('needs curl');
  const waits = ['-v', '-HExpect: 100-continue', '--expect100-timeout', '20'];
  const { stderr, stdout } = await run(
    'curl',
    ['-sS', ...waits, '-T-', ...viaSidecar(), 'http://depot/hash'],
    { input: body(LONG) },
  );
  expect(stderr).toMatch(/< HTTP\/1\.1 100 Continue/);
  expect(stderr).toMatch(/> Transfer-Encoding: chunked/);
  expect(JSON.parse(String(stdout))).toEqual(hashed);
  const refused = await run('curl', [
    ...['-sS', ...waits, '-d', 'x'.repeat(2_000), '--connect-to', `nobody:80:${outbound}`],
    'http://nobody/hash',
  ]);
  expect(refused.stderr).toMatch(/< HTTP\/1\.1 404/);
  expect(refused.stderr).not.toMatch(/100 Continue/);
});

test.skipIf(!hasProgram('curl')).each([
  { name: 'HTTP/1.1', args: ['--raw'], shows: /^4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n$/ },
  { name: 'HTTP/2', args: ['-i', '--http2-prior-knowledge'], shows: /body(?:.|\s)*x-sum: 42/ },
])('curl: trailers of a reply over $name (needs curl)', async ({ args, shows }) => {
  const got = await curl([...args, '-HTE: trailers', ...viaSidecar(), 'http://depot/trailers']);
  expect(String(got)).toMatch(shows);
});

test('python: urllib with a proxy in the environment, http.client, keep-alive', async ({
  skip,
}) => {
  if (!hasProgram('python3')) skip('needs python3');
  const script = `
import hashlib, http.client, json, sys, urllib.request
host, port = sys.argv[1].rsplit(':', 1)
opened = urllib.request.urlopen('http://depot/by/urllib', timeout=30)
told = [json.load(opened)['url']]
connection = http.client.HTTPConnection(host, int(port), timeout=30)
body = b'x' * 1000000
for path in ('/hash', '/echo'):
    connection.request('POST', path, body=iter([body, body]), encode_chunked=True,
                       headers={'Host': 'depot', 'Transfer-Encoding': 'chunked'})
    reply = connection.getresponse()
    told.append(hashlib.sha256(reply.read()).hexdigest() if path == '/echo' else json.load(reply))
socket = connection.sock
connection.request('HEAD', '/octets/5', headers={'Host': 'depot'})
reply = connection.getresponse()
told += [reply.getheader('content-length'), len(reply.read()), connection.sock is socket]
tunnel = http.client.HTTPConnection(host, int(port), timeout=30)
tunnel.set_tunnel('depot', 80)
tunnel.request('GET', '/by/tunnel')
told.append(json.load(tunnel.getresponse())['url'])
print(json.dumps(told))
`;
  const { stdout, stderr } = await run('python3', ['-c', script, outbound], {
    env: { http_proxy: `http://${outbound}` },
  });
  expect(stderr).toBe('');
  const hash = createHash('sha256').update('x'.repeat(2_000_000)).digest('hex');
  expect(JSON.parse(String(stdout))).toEqual([
    '/by/urllib',
    { byteCount: 2_000_000, hash },
    hash,
    '5',
    0,
    true,
    '/by/tunnel',
  ]);
});

test.skipIf(!hasProgram('curl'))(
  'curl: an upload that is answered long before it is whole (needs curl)',
  async () => {
    const answers: string[] = [];
    for (let index = 0; index < 10; index += 1) {
      const { code, stdout, stderr } = await run(
        'curl',
        ['-sS', '-i', '-T-', '-HExpect:', ...viaSidecar(), 'http://depot/early'],
        { input: body(30_000_000) },
      );
      const [status = ''] = /^HTTP\/1.1 \d+/.exec(String(stdout)) ?? [stderr];
      answers.push(`${code} ${status} ${String(stdout).slice(-8)}`);
    }
    expect(new Set(answers)).toEqual(new Set(['0 HTTP/1.1 403 not here']));
  },
);
