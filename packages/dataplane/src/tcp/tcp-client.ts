/** The near end of a connection, by the ways in which one comes to a proxy. */
import { type Peer, type TcpRefusal, type TcpSocket, tcpAnswer } from '@leno/http';
import type { Call } from '../call.ts';
import type { Reason } from '../reasons.ts';
import { sendReason } from '../reply.ts';

/** Who wants to be connected. Exactly one of the two is called, once. */
export interface TcpClient {
  /** How it came, for records: to a listener, by the hello of TLS, or by CONNECT. */
  readonly method: 'TCP' | 'TLS' | 'CONNECT';
  readonly peer: Peer;
  /** The far end is there: gives the connection, from now on the caller's. Undefined if it is gone. */
  accept(): TcpSocket | undefined;
  /** There will be no connection. */
  refuse(reason: Reason, detail: string): void;
}

/** An application that knows nothing of the mesh: it is reset, so that no end looks like an answer. */
export function plainClient(method: 'TCP' | 'TLS', socket: TcpSocket, peer: Peer): TcpClient {
  return {
    method,
    peer,
    accept: () => (socket.socket.destroyed ? undefined : socket),
    refuse: () => socket.reset(),
  };
}

/** Another sidecar, which is told by one octet. */
export function meshClient(socket: TcpSocket, peer: Peer): TcpClient {
  return {
    method: 'TCP',
    peer,
    accept() {
      if (socket.socket.destroyed) return undefined;
      socket.socket.write(tcpAnswer(undefined));
      return socket;
    },
    refuse(reason) {
      socket.socket.write(tcpAnswer(refusalOf(reason)));
      // Nothing is read any more: what is queued goes out, and then it is closed.
      socket.destroySoon();
    },
  };
}

/** An application that has sent CONNECT: it is answered in HTTP. */
export function connectClient(call: Call): TcpClient {
  const { exchange } = call;
  return {
    method: 'CONNECT',
    peer: exchange.peer,
    accept: () => exchange.takeSocket(),
    refuse: (reason, detail) => void sendReason(call, reason, detail),
  };
}

const told: Partial<Record<Reason, TcpRefusal>> = {
  denied: 'denied',
  unauthenticated: 'unauthenticated',
  'connect-timeout': 'connect-timeout',
  overflow: 'overflow',
  overloaded: 'overloaded',
  draining: 'draining',
  'filter-failed': 'filter-failed',
};

function refusalOf(reason: Reason): TcpRefusal {
  return told[reason] ?? 'connect-failed';
}
