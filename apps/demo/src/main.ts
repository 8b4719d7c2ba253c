/** `pnpm demo`: see `options.ts` for what it takes. Exit 0 healthy, 1 not, 64 bad usage. */
import { messageOf, systemClock, systemRng, systemTimers } from '@leno/std';
import { runDemo } from './demo.ts';
import { childEnvironment } from './env.ts';
import { type DemoOptions, readOptions, UsageError, usage } from './options.ts';

/** Off a terminal every tenth live line is enough. */
const plainEvery = 10;
const parentPollMs = 500;

async function main(): Promise<number> {
  const options = readArguments();
  if (options === undefined) return 0;
  let interrupt: () => void = () => undefined;
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  const run = runDemo({
    options,
    environment: childEnvironment(),
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
    say: createPrinter(),
    interrupted,
  });
  let signalCount = 0;
  const onSignal = () => {
    signalCount += 1;
    if (signalCount === 1) interrupt();
    else run.kill();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // A shell or a package manager that dies without passing its signal on leaves this one an orphan.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) interrupt();
  }, parentPollMs);
  watch.unref();
  return (await run.done) ? 0 : 1;
}

function readArguments(): DemoOptions | undefined {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) console.log(usage);
  return options;
}

/** Prints lines; passing ones overwrite each other on a terminal. */
function createPrinter(): (line: string, isPassing?: boolean) => void {
  const { stdout } = process;
  let passingCount = 0;
  let isOpen = false;
  return (line, isPassing = false) => {
    if (isPassing && !stdout.isTTY) {
      if (passingCount % plainEvery === 0) stdout.write(`${line}\n`);
      passingCount += 1;
      return;
    }
    if (isPassing) stdout.write(`\r\x1b[2K${line}`);
    else stdout.write(`${isOpen ? '\n' : ''}${line}\n`);
    isOpen = isPassing;
  };
}

try {
  process.exit(await main());
} catch (thrown) {
  console.error(messageOf(thrown));
  process.exit(thrown instanceof UsageError ? 64 : 1);
}
