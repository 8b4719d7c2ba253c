/** A listener of the runtime, as promises. */
import type { AddressInfo, ListenOptions, Server } from 'node:net';

/** Opens it; rejects if the port cannot be had. What fails later is told to `onError`. */
export function listenOn(
  listener: Server,
  at: ListenOptions,
  onError: () => void,
): Promise<{ address: string; port: number }> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(at, () => {
      listener.off('error', reject);
      listener.on('error', onError);
      const bound = listener.address() as AddressInfo;
      resolve({ address: bound.address, port: bound.port });
    });
  });
}

/** Takes no new connection; resolves when all are gone. */
export function stopListening(listener: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!listener.listening) resolve();
    else listener.close(() => resolve());
  });
}
