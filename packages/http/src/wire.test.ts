import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Wire } from './wire.ts';

const owner = {
  received: () => undefined,
  ended: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

test('what a slow reader has yet to take is not written over by what follows', async () => {
  const pieceCount = 120;
  const pieceBytes = 100_000; // In all, more than the system takes from a sender at once.
  const wrong = await new Promise<number>((resolve) => {
    const listener = createServer((accepted) => {
      const wire = new Wire(accepted, owner);
      for (let index = 0; index < pieceCount; index += 1) {
        wire.writeBytes(Buffer.alloc(pieceBytes, index));
      }
      wire.end();
      client.resume();
    });
    let client: ReturnType<typeof connect>;
    listener.listen(0, '127.0.0.1', () => {
      client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
      client.pause();
      let at = 0;
      let wrongCount = 0;
      client.on('data', (chunk: Buffer) => {
        for (const octet of chunk) {
          if (octet !== Math.floor(at / pieceBytes)) wrongCount += 1;
          at += 1;
        }
      });
      client.on('end', () => {
        listener.close();
        resolve(at === pieceCount * pieceBytes ? wrongCount : -1);
      });
      client.pause();
    });
  });
  expect(wrong).toBe(0);
});
