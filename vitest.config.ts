import { defineConfig } from 'vitest/config';

const conditions = ['@leno/source', 'module', 'node', 'development|production'];
const resolve = { conditions };
const ssr = { resolve: { conditions } };

/**
 * One run from the root, so that there is one closing line. Unit tests share cores; whole-system
 * tests run one file at a time, since each starts a fleet of processes.
 */
export default defineConfig({
  resolve,
  ssr,
  test: {
    reporters: ['default', './tools/closing-line-reporter.ts'],
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'apps/bench/{facades,defects}/**/*.test.ts',
            'tools/**/*.test.ts',
          ],
          exclude: ['**/dist/**', '**/node_modules/**'],
          testTimeout: 20_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          exclude: ['**/dist/**', '**/node_modules/**'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
