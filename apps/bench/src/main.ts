/** `pnpm bench NAME`: one set of benchmarks, beside its peers. */
const name = process.argv[2] ?? 'NAME';
console.error(`pnpm bench ${name}: not yet`);
process.exit(2);
