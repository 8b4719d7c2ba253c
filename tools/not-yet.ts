/** Stands for a root script whose part is not built: says so and exits 2, as contracts demand. */
const name = process.argv[2] ?? 'this script';
console.error(`pnpm ${name}: not yet`);
process.exit(2);
