/**
 * Sees to it that no child outlives this process, however it ends: SIGKILL runs no handler, so
 * somebody else must be watching. That is one `/bin/sh` for the whole process, in a session of its
 * own, which reads from a pipe who lives. When this process is gone the pipe ends, and the shell
 * kills the process group of every child that is left. It costs about 1 MiB and no CPU.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';

// A list of words, not an array: plain POSIX sh. `trap ''` because Ctrl-C must not kill the guard first.
const script = `
trap '' INT TERM HUP PIPE
alive=' '
while read -r what pid; do
  case $what in
    +) alive="$alive$pid " ;;
    -) case $alive in *" $pid "*) alive="\${alive%% $pid *} \${alive#* $pid }" ;; esac ;;
  esac
done
for pid in $alive; do kill -s KILL -- "-$pid" 2>/dev/null; done
`;

let guardian: ChildProcess | undefined;

/** From now on `pid`'s process group dies with this process. */
export function guard(pid: number): void {
  guardian ??= start();
  guardian.stdin?.write(`+ ${pid}\n`);
}

/** `pid` has ended, and its number may be given to a stranger: forget it. */
export function unguard(pid: number): void {
  guardian?.stdin?.write(`- ${pid}\n`);
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    cwd: '/',
  });
  // Neither the guard nor its pipe keeps this process alive; if it cannot run, children go unguarded.
  child.on('error', () => undefined);
  child.on('exit', () => {
    guardian = undefined;
  });
  child.unref();
  child.stdin.on('error', () => undefined);
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}
