import { viewDigest } from '@leno/config';
import { expect, test } from 'vitest';
import {
  errorsOf,
  haveOf,
  namesOf,
  readTranscripts,
  resourcesOf,
  revisionOf,
  revisionText,
  type TranscriptLine,
} from '../../test/transcript.ts';
import type { ClientMessage } from '../messages/client-messages.ts';
import type { LeaseInstance } from '../messages/lease.ts';
import type { ServerMessage } from '../messages/server-messages.ts';
import type { ApplyResult } from '../messages/view.ts';
import { type ClientEffect, type ClientEvent, createClientState } from './client-state.ts';
import { clientStep } from './client-step.ts';

const options = {
  node: { id: 'n', service: 's', namespace: 'default', labels: {}, build: 'test' },
  leaseCountMax: 2,
  requestCountMax: 2,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  heartbeatMs: 10_000,
};

test.each(readTranscripts('client.txt'))('$name', ({ lines }) => {
  let state = createClientState(options);
  const played: string[] = [];
  for (const line of lines) {
    const [next, effects] = clientStep(state, eventOf(line));
    state = next;
    played.push(`${line.words.join(' ')} -> ${effects.map(effectText).join('; ')}`);
  }
  expect(played).toEqual(lines.map((it) => `${it.words.join(' ')} -> ${it.expected}`));
});

function eventOf({ words, atMs, source }: TranscriptLine): ClientEvent {
  const moment = { nowMs: atMs, random: 0.5 };
  const [head = '', first = '', ...rest] = words;
  const [kind = '', number] = head.split('#');
  switch (kind) {
    case 'start': {
      const held = haveOf(words.slice(1));
      const resources = held === null ? [] : resourcesOf(rest);
      return { ...moment, kind, held: held === null ? null : { ...held, resources } };
    }
    case 'opened':
      return { ...moment, kind, isJoining: first === 'joining' };
    case 'lost':
      return { ...moment, kind, reason: 'gone' };
    case 'tick':
    case 'heard':
    case 'stop':
    case 'restart':
      return { ...moment, kind };
    case 'applied': {
      const status = (first === '' ? 'applied' : first) as ApplyResult['status'];
      return { ...moment, kind, result: { status, errors: errorsOf(rest) }, applyMs: 1 };
    }
    case 'malformed': {
      const fault = { code: 'INVALID', path: '/x', msg: 'bad', t: '', ref: 'message' } as const;
      const nonce = Number(number);
      return { ...moment, kind, fault: number === undefined ? fault : { ...fault, nonce } };
    }
    case 'lease':
      return { ...moment, kind, instance: instanceOf(first), ttlMs: 6_000 };
    case 'drop':
      return { ...moment, kind: 'dropLease', id: first };
    case 'csr':
      return { ...moment, kind, id: first, pem: 'pem' };
    case 'leave':
      return { ...moment, kind, instance: first };
    case 'stat':
      return { ...moment, kind, body: {} };
    default:
      return { ...moment, kind: 'message', message: messageOf(words, source) };
  }
}

function messageOf(words: readonly string[], source: string): ServerMessage {
  const [head = '', first = '', second = ''] = words;
  const [t = '', number] = head.split('#');
  const limits = { heartbeatMs: 10_000, ackTimeoutMs: 10_000, maxSessionMs: 0 };
  switch (t) {
    case 'welcome': {
      const mode = first as 'current';
      const { epoch, version } = revisionOf(second);
      return { t, session: 'x', server: 'y', epoch, head: version, mode, ...limits };
    }
    case 'snapshot': {
      const heldAt = words.indexOf('held');
      const sent = resourcesOf(words.slice(2, heldAt < 0 ? undefined : heldAt).filter(isName));
      const held = heldAt < 0 ? [] : resourcesOf(words.slice(heldAt + 1));
      const digest = words.includes('bad') ? 'bad' : viewDigest([...sent, ...held]);
      const base = { t, nonce: Number(number), ...revisionOf(first), digest } as const;
      return { ...base, resources: [...sent], ...(heldAt < 0 ? {} : { held: [...held] }) };
    }
    case 'mark':
      return { t, ...revisionOf(first) };
    case 'svid':
      return { t, id: first, chain: ['c'], bundle: ['b'], notAfter: 1 };
    case 'left':
      return { t, instance: first, acked: 1, late: [] };
    case 'error':
      return { t, ref: first, code: second, msg: 'no' };
    default:
      throw new Error(`what does this mean: ${source}`);
  }
}

function effectText(effect: ClientEffect): string {
  switch (effect.kind) {
    case 'send':
      return messageText(effect.message);
    case 'close':
      return `close ${String(effect.code)}`;
    case 'apply':
    case 'running': {
      const { view } = effect;
      expect(effect.kind === 'apply' || view.digest === viewDigest(view.resources)).toBe(true);
      return `${effect.kind} ${revisionText(view)} ${namesOf(view.resources)}`;
    }
    case 'answered':
      return `${effect.message.t} ${'id' in effect.message ? effect.message.id : effect.message.instance}`;
    case 'refused':
      return `refused ${effect.ref} ${effect.code}`;
    case 'count':
      return `count ${effect.counter}`;
    default:
      return effect.kind;
  }
}

function messageText(message: ClientMessage): string {
  switch (message.t) {
    case 'hello':
      return `hello have ${revisionText(message.have)}`;
    case 'ack': {
      const errors = message.errors.map((it) => it.name || '-').join(' ');
      return `ack#${String(message.nonce)} ${revisionText(message)} ${message.status} ${errors}`.trim();
    }
    case 'resync':
      return `resync#${String(message.nonce)} ${message.reason}`;
    case 'lease':
      if ('instance' in message) return `lease ${message.instance.id}`;
      return 'renew' in message ? `renew ${message.renew}` : `drop ${message.drop}`;
    case 'csr':
      return `csr ${message.id}`;
    case 'leave':
      return `leave ${message.instance}`;
    default:
      return message.t;
  }
}

function instanceOf(id: string): LeaseInstance {
  return {
    id,
    service: 's',
    ns: 'default',
    address: '127.0.0.1',
    port: 80,
    weight: 1,
    health: 'ready',
    transport: 'mtls',
    labels: {},
  };
}

function isName(word: string): boolean {
  return word.includes('@');
}
