/** What a breaker alone adds to a bundle: tree-shaken, minified, compressed. */
import { isBuiltin } from 'node:module';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';

const ENTRY = 'entry';

/**
 * Bytes of a bundle of what a program of one line exports, minified and compressed by gzip -9. What
 * the runtime has anyway does not count.
 */
export async function bundleBytes(program: string): Promise<number> {
  const bundle = await rolldown({
    input: ENTRY,
    cwd: import.meta.dirname,
    platform: 'neutral',
    resolve: {
      conditionNames: ['@leno/source', 'import', 'default'],
      mainFields: ['module', 'main'],
    },
    external: isBuiltin,
    plugins: [
      {
        name: 'entry',
        // In this folder, so that packages are looked for where the benchmarks find them.
        resolveId: (id) => (id === ENTRY ? `${import.meta.dirname}/${ENTRY}` : null),
        load: (id) => (id.endsWith(`/${ENTRY}`) ? program : null),
      },
    ],
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', minify: true });
    return gzipSync(output[0].code, { level: 9 }).length;
  } catch (thrown) {
    if (!String(thrown).includes('UNRESOLVED_IMPORT')) throw thrown;
    // As the import of a package that is missing would fail at run time.
    throw Object.assign(new Error(program, { cause: thrown }), { code: 'ERR_MODULE_NOT_FOUND' });
  } finally {
    await bundle.close();
  }
}
