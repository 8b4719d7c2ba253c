/** The commands and their flags: one file per verb does the work. */
import { Command, Option } from 'commander';
import { apply } from './commands/apply.ts';
import { get } from './commands/get.ts';
import { run } from './commands/run.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';
import { outputForms } from './output/table.ts';

/** Builds the program; nothing is read or written before `parseAsync`. */
export function buildProgram(): Command {
  const program = new Command('leno')
    .description('Leno, a service mesh in TypeScript')
    .exitOverride()
    .showHelpAfterError('(leno --help lists the commands)')
    .option('--api <url>', 'address of the control plane (LENO_API, or what "leno up" left)')
    .option('--token-file <file>', 'file with the API token (LENO_API_TOKEN_FILE)');
  addRunners(program);
  addReaders(program);
  program
    .command('apply')
    .description('check and apply configuration; all of it or nothing')
    .requiredOption(
      '-f, --file <files...>',
      'YAML or JSON files, directories, or - for standard input',
    )
    .option('--dry-run', 'check only')
    .option('--wait <duration>', 'until every proxy runs it, for example 5s', '5s')
    .option('--no-wait', 'return as soon as it is stored')
    .addOption(outputOption())
    .action(apply);
  return program;
}

function addRunners(program: Command): void {
  program
    .command('up')
    .description('run a control plane with its dashboard in the foreground')
    .option('--demo', 'run the demo mesh instead')
    .option('--dir <directory>', 'where state is kept')
    .option('--api-listen <address>', 'HOST:PORT of API and dashboard', '127.0.0.1:9901')
    .option('--push-listen <address>', 'HOST:PORT for proxies', '127.0.0.1:9902')
    .action(up);
  program
    .command('run')
    .description('run a program with a sidecar beside it')
    .requiredOption('--service <name>', 'the service that it serves')
    .requiredOption('--port <port>', 'the port that it listens on; also given to it as PORT')
    .option('-n, --namespace <namespace>', 'namespace of the service', 'default')
    .option('--version <version>', 'version label of this instance', 'v1')
    .option('--inbound-listen <address>', 'where other sidecars reach this one', '127.0.0.1:0')
    .option('--outbound-listen <address>', 'where the program reaches the mesh', '127.0.0.1:0')
    .argument('<command...>', 'the program and its arguments, after --')
    .action(run);
}

function addReaders(program: Command): void {
  program
    .command('get')
    .description('show what is configured')
    .argument('<kind>', 'Service, HTTPRoute, TrafficPolicy, AccessPolicy, MeshConfig or all')
    .argument('[name]', 'one of them')
    .option('-n, --namespace <namespace>', 'only there; for one name: default')
    .addOption(outputOption())
    .action(get);
  program
    .command('status')
    .alias('ps')
    .description('show whether every proxy runs the newest configuration')
    .option('-w, --watch', 'show it again every second')
    .addOption(outputOption())
    .action(status);
}

function outputOption(): Option {
  return new Option('-o, --output <form>', 'how to show it').choices(outputForms).default('table');
}
