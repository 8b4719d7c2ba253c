import { expect, test } from 'vitest';
import { runCorpora } from './run-corpora.ts';

const source = ['a rule'];
const hosts = [
  { key: '10.1.0.11:8080', weight: 1 },
  { key: '10.1.0.12:8080', weight: 1 },
];
const hashes = {
  id: 'HX01',
  kind: 'xxHash64',
  title: 'one',
  vectors: [{ input: 'abc', seed: '0', hash: '4952883123889572249' }],
  source,
};
const maglev = { id: 'HM01', kind: 'maglev', title: 'x', hosts, tableSize: 12, source };
const ring = { id: 'HR01', kind: 'ring', title: 'x', hosts, hashFunction: 'xxHash64', source };

/** Runs with one file, `f.json`, that has these cases. */
async function run(cases: readonly unknown[], { args = ['f.json'], corpus = 'hash-vectors' } = {}) {
  const said: string[] = [];
  const complaints: string[] = [];
  const written = new Map<string, string>();
  const code = await runCorpora(args, {
    read: (path) => {
      if (path !== 'f.json') throw new Error('no such file');
      return JSON.stringify({ corpus, schemaVersion: 1, cases });
    },
    write: (path, text) => written.set(path, text),
    say: (line) => said.push(line),
    complain: (line) => complaints.push(line),
    openBed: () => Promise.reject(new Error('no bed')),
    openAccess: () => Promise.reject(new Error('no bed')),
  });
  return { code, said, complaints: complaints.join('\n'), written };
}

test('a case that is as expected passes', async () => {
  expect(await run([hashes])).toMatchObject({
    code: 0,
    said: ['PASS HX01', '1 passed, 0 failed, 0 skipped'],
  });
});

test.each([
  {
    name: 'a hash that differs',
    case: { ...hashes, vectors: [{ input: 'abc', hash: '1' }] },
    reason: 'hash of "abc" is 4952883123889572249, not 1',
  },
  {
    name: 'a configuration that should have been accepted',
    case: { ...maglev, expect: { noHost: true } },
    reason: 'refused: tableSize must be a prime of at most 5000011, not 12',
  },
  {
    name: 'a configuration that should have been refused',
    case: { ...maglev, tableSize: 11, expect: { error: true } },
    reason: 'not refused',
  },
  {
    name: 'somebody where nobody is',
    case: { ...ring, minRingSize: 4, expect: { noHost: true } },
    reason: 'found host 0, not nobody',
  },
  {
    name: 'a pick that differs',
    case: { ...ring, minRingSize: 4, expect: { picks: [{ hash: '0', host: 9 }] } },
    reason: 'pick of 0 is 0, not 9',
  },
  {
    name: 'a table that is longer',
    case: { ...maglev, tableSize: 2, expect: { table: [1, 0, 1] } },
    reason: 'table[2] is undefined, not 1',
  },
  {
    name: 'the last attempt, if all are rejected',
    case: {
      ...ring,
      minRingSize: 4,
      expect: { retries: [{ hash: '0', attempts: 3, reject: 'all', host: 7 }] },
    },
    reason: 'pick of 0 with 3 retries is 1, not 7',
  },
  {
    name: 'the fewest of a host that has a share and no point',
    case: { ...ring, minRingSize: 1, maxRingSize: 1, expect: { minPerHost: 1 } },
    reason: 'fewest points is 0, not 1',
  },
  {
    name: 'counts that differ',
    case: { ...ring, minRingSize: 4, expect: { histogram: { requests: 10, counts: [0, 10] } } },
    reason: 'histogram[0] is 6, not 0',
  },
])('fails: $name', async ({ case: it, reason }) => {
  expect(await run([it])).toMatchObject({
    code: 1,
    said: [`FAIL ${it.id}: ${reason}`, '0 passed, 1 failed, 0 skipped'],
  });
});

test.each([
  { name: 'no file', args: [], complaint: /usage/ },
  { name: 'an option that is none', args: ['f.json', '--all', 'x'], complaint: /--all\? usage/ },
  { name: 'an option without its value', args: ['f.json', '--only'], complaint: /--only\? usage/ },
  { name: 'a file that is not there', args: ['g.json'], complaint: /g\.json: .*no such file/ },
  { name: 'no case left', args: ['f.json', '--only', 'ZZ'], complaint: /no case's id contains ZZ/ },
])('cannot be used: $name', async ({ args, complaint }) => {
  const { code, said, complaints } = await run([hashes], { args });
  expect({ code, said }).toEqual({ code: 2, said: [] });
  expect(complaints).toMatch(complaint);
});

test.each([
  { name: 'no cases', cases: [], complaint: /cases/ },
  { name: 'a word it does not know', cases: [{ ...hashes, colour: 1 }], complaint: /colour/ },
  { name: 'a kind it does not know', cases: [{ ...hashes, kind: 'md5' }], complaint: /kind/ },
  { name: 'an expectation of nothing', cases: [{ ...maglev, expect: {} }], complaint: /nothing/ },
])('a file that does not fit is an error: $name', async ({ cases, complaint }) => {
  const { code, complaints } = await run(cases);
  expect(code).toBe(2);
  expect(complaints).toMatch(complaint);
});

test('a corpus that is not built yet is named', async () => {
  expect(await run([hashes], { corpus: 'faults' })).toMatchObject({
    code: 2,
    complaints: 'f.json: corpus faults: not yet',
  });
});

test('--only chooses by a part of the id, --report writes the results', async () => {
  const other = { ...hashes, id: 'HX02' };
  const { said, written } = await run([hashes, other], {
    args: ['--only', 'X02', '--report', 'r.json', 'f.json', 'f.json'],
  });
  expect(said).toEqual(['PASS HX02', 'PASS HX02', '2 passed, 0 failed, 0 skipped']);
  expect(JSON.parse(written.get('r.json') ?? '')).toEqual({
    passed: 2,
    failed: 0,
    skipped: 0,
    results: [
      { file: 'f.json', id: 'HX02', verdict: 'PASS' },
      { file: 'f.json', id: 'HX02', verdict: 'PASS' },
    ],
  });
});
