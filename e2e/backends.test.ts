/**
 * Nothing is smuggled past the proxy to a real server: octets on which parsers are known to differ,
 * played through a proxy before servers whose parsers are their own, with ordinary requests after
 * them, each of which must get its own answer.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = resolve(import.meta.dirname, '../packages/testkit/src/hardening-main.ts');
const host = 'Host: svc.local\r\n';
const inner = `GET /smuggled HTTP/1.1\r\n${host}\r\n`;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-e2e-backends-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** A POST with these field lines and this body. */
const post = (fields: readonly string[], body: string): string =>
  `POST /p HTTP/1.1\r\n${host}${fields.map((it) => `${it}\r\n`).join('')}\r\n${body}`;

const chunked = 'Transfer-Encoding: chunked';
const whole = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;

const refused = [
  post(['Content-Length: 6', chunked], `0\r\n\r\n${inner}`),
  post([chunked, 'Content-Length: 4'], whole),
  post([chunked, chunked], `0\r\n\r\n${inner}`),
  post([`${chunked}, identity`, 'Content-Length: 4'], whole),
  post(['Transfer-Encoding : chunked', `Content-Length: ${inner.length}`], inner),
  post(['Transfer-Encoding:\x0bchunked', `Content-Length: ${inner.length}`], inner),
  post(['X: y', ' Transfer-Encoding: chunked', `Content-Length: ${inner.length}`], inner),
  post(['X: y\nTransfer-Encoding: chunked', `Content-Length: ${inner.length}`], inner),
  post(['X: y\rTransfer-Encoding: chunked', `Content-Length: ${inner.length}`], inner),
  post(['Content-Length: 0', `Content-Length: ${inner.length}`], inner),
  post([`Content-Length: 0, ${inner.length}`], inner),
  post(['Content-Length: +5'], `hello${inner}`),
  post(['Content-Length: 0x5'], `hello${inner}`),
  post([chunked], `0x5\r\nhello\r\n0\r\n\r\n${inner}`),
  post([chunked], `5\nhello\r\n0\r\n\r\n${inner}`),
  post([chunked], `5\r\nhelloXX0\r\n\r\n${inner}`),
  post([chunked], `10000000000000005\r\nhello\r\n0\r\n\r\n${inner}`),
  post([chunked], `-5\r\n${inner}0\r\n\r\n`),
  `GET /p HTTP/1.1\r\n${host}Host: other.local\r\n\r\n${inner}`,
  `GET /p HTTP/1.1 \r\n${host}\r\n${inner}`,
  `GET /p HTTP/1.0\r\n${host}${chunked}\r\n\r\n0\r\n\r\n${inner}`,
];

const forwarded = [{ method: 'POST', target: '/p' }];
const taken = [
  { raw: post([`Content-Length: ${inner.length}`], inner), forwarded },
  { raw: post([chunked], whole), forwarded },
  { raw: post([chunked], `5;a="b"\r\nhello\r\n0\r\nX-A: b\r\n\r\n`), forwarded },
  {
    raw: post(['Content-Length: 0'], inner.replace('smuggled', 'next')),
    forwarded: [...forwarded, { method: 'GET', target: '/next' }],
  },
];

const cases = [
  ...refused.map((raw) => ({ raw, expect: { verdict: 'REJECT', status: [400] } })),
  ...taken.map(({ raw, ...rest }) => ({ raw, expect: { verdict: 'ACCEPT', ...rest } })),
  // Controls: what is let through, and judged as if it must not be, fails.
  { raw: taken[3]?.raw ?? '', expect: { verdict: 'REJECT', status: [400] } },
  { raw: taken[3]?.raw ?? '', expect: { verdict: 'ACCEPT', forwarded } },
];

test.for(['gunicorn', 'waitress', 'tornado', 'http.server', 'nginx', 'apache2', 'lighttpd'])(
  'nothing is smuggled to %s',
  async (name, { skip }) => {
    const file = join(directory, `${name}.json`);
    const numbered = cases.map((it, at) => ({
      ...{ id: `S${String(at).padStart(2, '0')}`, class: 'smuggling', source: [] },
      ...it,
    }));
    await writeFile(
      file,
      JSON.stringify({ corpus: 'http1-requests', schemaVersion: 1, cases: numbered }),
    );
    const lines: string[] = [];
    const running = startProcess({
      command: process.execPath,
      args: ['--conditions=@leno/source', main, file, '--backend', name],
      onLine: (line) => lines.push(line),
    });
    const { code } = await running.exited;
    if (lines[0]?.includes(`needs ${name}`)) skip(`needs ${name}`);
    const failures = lines.filter((line) => line.startsWith('FAIL'));
    const controls = [cases.length - 2, cases.length - 1].map((at) => `FAIL S${at}@${name}`);
    expect(failures.map((line) => line.split(':')[0])).toEqual(controls);
    expect(lines.at(-1)).toBe(`${cases.length - 2} passed, 2 failed, 0 skipped`);
    expect(code).toBe(1);
  },
);
