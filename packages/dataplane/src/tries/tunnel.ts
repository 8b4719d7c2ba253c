/** After an upgrade: bytes both ways, until either end is done. */
import type { BodySink, ResponseHead } from '@leno/http';
import type { Call } from '../call.ts';

/** Joins the client to the peer; gives the sink that takes the peer's bytes. */
export function pumpTunnel(call: Call, head: ResponseHead, toPeer: BodySink): BodySink {
  const open = { client: true, peer: true };
  const oneDone = (side: 'client' | 'peer'): void => {
    open[side] = false;
    if (open.client || open.peer) return;
    call.breakTunnel = undefined;
    call.end();
  };
  const fromClient = counted(toPeer, (bytes) => {
    call.requestBytes += bytes;
  });
  // Before the tunnel is open: what the client has sent ahead, its end too, comes within that call.
  fromClient.onEnd = () => oneDone('client');
  const toClient = call.exchange.tunnel(head.fields, fromClient);
  call.breakTunnel = (cause) => {
    toPeer.abort(cause);
    toClient.abort(cause);
  };
  const fromPeer = counted(toClient, (bytes) => {
    call.responseBytes += bytes;
  });
  fromPeer.onEnd = () => oneDone('peer');
  return fromPeer;
}

interface CountedSink extends BodySink {
  onEnd: () => void;
}

function counted(sink: BodySink, count: (bytes: number) => void): CountedSink {
  return {
    onEnd: () => undefined,
    get onDrain() {
      return sink.onDrain;
    },
    set onDrain(listener) {
      sink.onDrain = listener;
    },
    write(chunk) {
      count(chunk.length);
      return sink.write(chunk);
    },
    end() {
      sink.end();
      this.onEnd();
    },
    abort(cause) {
      sink.abort(cause);
      this.onEnd();
    },
  };
}
