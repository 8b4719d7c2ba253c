/** That nobody adds to what a breaker alone weighs without knowing it. Sizes are the same everywhere. */
import { expect, test } from 'vitest';
import { bundleBytes } from './size.ts';

test.each([
  { program: "export { Breaker, consecutive } from '@leno/resilience'", bytesMax: 2_250 },
  { program: "export { CallBreaker, consecutive } from '@leno/resilience'", bytesMax: 3_050 },
  { program: "export { createBreaker } from '@leno/resilience'", bytesMax: 3_650 },
])('$program: at most $bytesMax bytes, minified and compressed', async ({ program, bytesMax }) => {
  expect(await bundleBytes(program)).toBeLessThanOrEqual(bytesMax);
});
