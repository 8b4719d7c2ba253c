/** What waits for the end of the current turn: writes are put together there, once per read. */
export interface TurnTask {
  turnEnded(): void;
}

let waiting: TurnTask[] = [];

/** Calls `task.turnEnded` once, after the callbacks of this turn and before anything else is read. */
export function atTurnEnd(task: TurnTask): void {
  waiting.push(task);
  if (waiting.length === 1) process.nextTick(endTurn);
}

function endTurn(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task.turnEnded();
}

let waitingForLoop: TurnTask[] = [];

/**
 * Calls `task.turnEnded` once, when everything that could be read has been: for connections that many
 * share, where whatever several sockets have brought leaves in one piece, and over TLS in one record.
 */
export function atLoopEnd(task: TurnTask): void {
  waitingForLoop.push(task);
  // oxlint-disable-next-line no-restricted-globals -- A place in the loop, as nextTick is; no time passes.
  if (waitingForLoop.length === 1) setImmediate(endLoop);
}

function endLoop(): void {
  const tasks = waitingForLoop;
  waitingForLoop = [];
  for (const task of tasks) task.turnEnded();
}
