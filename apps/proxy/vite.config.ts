import { defineConfig } from 'vite';

/**
 * The whole program as one file, beside the many that `tsc` writes: a sidecar stands next to every
 * application, and of the modules that it loads one by one, a third of the memory goes into parts
 * that it never calls (languages of messages, a parser of YAML) and into taking them in.
 */
export default defineConfig({
  build: {
    ssr: 'dist/main.js',
    outDir: 'dist',
    emptyOutDir: false,
    target: 'node24',
    minify: false,
    rolldownOptions: {
      output: { entryFileNames: 'leno-proxy.js', codeSplitting: false },
      // Everything that is not part of Node; the two that `ws` would use if they were there are not.
      external: [/^node:/, 'bufferutil', 'utf-8-validate'],
    },
  },
  ssr: { noExternal: true },
  logLevel: 'warn',
});
