import { defineConfig } from 'vite';

/**
 * The program and that of its workers in few files, beside the many that `tsc` writes: a sidecar stands
 * next to every application, and of the modules that it loads one by one, a third of the memory goes
 * into parts that it never calls (languages of messages, a parser of YAML) and into taking them in.
 */
export default defineConfig({
  build: {
    ssr: true,
    outDir: 'dist',
    emptyOutDir: false,
    target: 'node24',
    minify: false,
    rolldownOptions: {
      input: { 'leno-proxy': 'dist/main.js', 'leno-worker': 'dist/worker-main.js' },
      output: { entryFileNames: '[name].js', chunkFileNames: 'leno-shared.js' },
      // Everything that is not part of Node; the two that `ws` would use if they were there are not.
      external: [/^node:/, 'bufferutil', 'utf-8-validate'],
    },
  },
  ssr: { noExternal: true },
  logLevel: 'warn',
});
