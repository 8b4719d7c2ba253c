/** Runs groups in a process of their own, under the flags that make its figures comparable. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GroupOutcome } from './group.ts';

/** What the process is told. */
export interface GroupsRequest {
  readonly name: string;
  readonly cases: readonly string[];
  /** One subject of the case instead of all. */
  readonly subject?: string;
  readonly isQuick: boolean;
}

const execArgv = [
  '--conditions=@leno/source',
  '--expose-gc',
  // A collector in other threads would be paid for by the other subjects.
  '--single-threaded-gc',
  // No collection of the young generation while allocation is counted.
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
];

/** Gives the outcomes in the order of the cases. Rejects if the process ends without them. */
export function runGroups(request: GroupsRequest): Promise<readonly GroupOutcome[]> {
  const program = fileURLToPath(new URL('../groups-main.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(program, [JSON.stringify(request)], { execArgv });
    child.on('message', (message) => resolve(message as readonly GroupOutcome[]));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      reject(new Error(`${request.cases.join(', ')}: ended early with ${signal ?? code}`));
    });
  });
}
