/** `http-proxy-3` as its README has it, with connections that are kept; arguments: port, upstream's port. */
import { Agent } from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [port = 0, upstream = 0] = process.argv.slice(2).map(Number);
createProxyServer({
  target: `http://127.0.0.1:${upstream}`,
  agent: new Agent({ keepAlive: true, maxFreeSockets: 1_024 }),
}).listen(port, '127.0.0.1');
