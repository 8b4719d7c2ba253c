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
