/**
 * Runs `proof.mjs` where there is nothing of Node: in a realm with the language's own globals and
 * the few of the web that every runtime has. Needs `--experimental-vm-modules`. Whatever else the
 * packages reached for would be a ReferenceError here.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, SourceTextModule } from 'node:vm';

const { AbortController, AbortSignal, DOMException, clearTimeout, performance, setTimeout } =
  globalThis;
const web = { AbortController, AbortSignal, DOMException, clearTimeout, performance, setTimeout };
const realm = createContext({ ...web, console: { log: console.log }, queueMicrotask });
const modules = new Map();

/** One module a file, as the language demands. */
function moduleAt(url) {
  let module = modules.get(url);
  if (module === undefined) {
    const source = readFileSync(fileURLToPath(url), 'utf8');
    module = new SourceTextModule(source, { context: realm, identifier: url });
    modules.set(url, module);
  }
  return module;
}

const entry = moduleAt(import.meta.resolve('./proof.mjs'));
await entry.link((specifier, { identifier }) =>
  moduleAt(
    specifier.startsWith('.')
      ? new URL(specifier, identifier).href
      : import.meta.resolve(specifier),
  ),
);
await entry.evaluate();
