/** A real browser, where there is one. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executable = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** Why tests with a browser cannot run here; undefined if they can. */
export const noBrowser = executable === undefined ? 'needs chromium' : undefined;

/** Starts the browser with nothing that would call out. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
