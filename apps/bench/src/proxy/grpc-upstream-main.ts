/** A gRPC server (HTTP/2 with prior knowledge) that answers every unary call with 16 bytes; argument: its port. */
import { createServer } from 'node:http2';

const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 16]), Buffer.alloc(16, 2)]);
const server = createServer({ settings: { maxConcurrentStreams: 1_000 } });
server.on('stream', (stream) => {
  stream.on('error', () => undefined);
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.resume();
  stream.on('end', () => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.end(message);
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
