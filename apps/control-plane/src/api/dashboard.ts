/** The dashboard's files, as they lie in a directory that was built beforehand. */
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { Handler } from 'hono';
import type { ApiEnv } from './api-context.ts';
import { ApiProblem } from './problem.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

const headers = {
  'content-security-policy':
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
} as const;

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Leno</title>
<p>The control plane runs. Its dashboard is not built: run <code>pnpm build</code>, or set LENO_DASHBOARD_DIR.</p>
<p>Figures are at <a href="/v1/status">/v1/status</a>.</p></html>`;

/** Serves files below `directory`; `/` is `index.html`. Nothing outside of it, links included. */
export function serveDashboard(directory: string): Handler<ApiEnv> {
  return async (context) => {
    const path = pathIn(context.req.path);
    const file = path === undefined ? undefined : await read(directory, path);
    if (file !== undefined && path !== undefined) {
      const type = types[extname(path)] ?? 'application/octet-stream';
      // Names of built assets hold a hash of their content.
      const isHashed = path.startsWith('assets/');
      const cache = isHashed ? 'public, max-age=31536000, immutable' : 'no-cache';
      return context.body(file, 200, { ...headers, 'content-type': type, 'cache-control': cache });
    }
    if (path === 'index.html') {
      return context.body(notBuilt, 200, { ...headers, 'content-type': types['.html'] ?? '' });
    }
    const detail = `there is no ${context.req.path}`;
    throw new ApiProblem(404, { code: 'LENO_NOT_FOUND', detail });
  };
}

function pathIn(requested: string): string | undefined {
  if (requested === '/') return 'index.html';
  try {
    const path = decodeURIComponent(requested).slice(1);
    const isPlain = path.split('/').every((part) => /^[\w@-][\w.@-]*$/.test(part));
    return isPlain ? path : undefined;
  } catch {
    return undefined;
  }
}

async function read(directory: string, path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const root = await realpath(directory);
    const file = await realpath(join(root, path));
    if (!file.startsWith(root + sep)) return undefined;
    const bytes = await readFile(file);
    return bytes;
  } catch {
    return undefined;
  }
}
