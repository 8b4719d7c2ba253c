/**
 * The built packages that others install, exercised on whatever runtime runs this file: plain
 * JavaScript without a test runner, an assertion library or anything of a runtime's own but
 * `console.log`. Prints `ok N` after N checks, or throws at the first that fails.
 */
import * as balancer from '@leno/balancer';
import * as resilience from '@leno/resilience';
import * as std from '@leno/std';

let checkCount = 0;

/** Compares what JSON can say; `undefined` is null. */
function check(what, seen, wanted) {
  const [seenText, wantedText] = [JSON.stringify([seen]), JSON.stringify([wanted])];
  if (seenText !== wantedText) throw new Error(`${what}: ${seenText}, not ${wantedText}`);
  checkCount += 1;
}

/** Time that moves when somebody waits for it, and then at once; half of all chance. */
function virtualPorts() {
  let nowMs = 0;
  const after = (delayMs, fire) => {
    let isCancelled = false;
    void Promise.resolve().then(() => {
      if (isCancelled) return;
      nowMs += delayMs;
      fire();
    });
    return { cancel: () => (isCancelled = true) };
  };
  return { clock: { nowMs: () => nowMs, wallMs: () => nowMs }, timers: { after }, rng: () => 0.5 };
}

async function codeThrownBy(fn) {
  try {
    await fn();
  } catch (thrown) {
    return thrown instanceof std.LenoError ? thrown.code : thrown.message;
  }
  return 'nothing was thrown';
}

function checkStd() {
  const rng = std.seededRng(1);
  const drawn = Array.from({ length: 4 }, () => Math.floor(rng() * 1_000_000));
  check('a seed gives one sequence everywhere', drawn, [110_255, 923_014, 534_505, 492_144]);
  const watch = new std.Watch(1);
  const seen = [];
  watch.subscribe((value) => seen.push(value));
  watch.set(2);
  check('a watch tells', seen.at(-1), 2);
  check('a deadline passes', std.isExpired(std.deadlineAfter(10, 5), 15), true);
}

function checkBreaker() {
  const options = { trip: resilience.consecutive(2), openMs: 1_000, openJitterRatio: 0 };
  const breaker = new resilience.Breaker(options, { rng: () => 0 });
  for (let index = 0; index < 2; index += 1) breaker.failure(breaker.tryAcquire(0), 0);
  check('two failures open', [breaker.stateAt(0), breaker.tryAcquire(999)], ['open', -1]);
  check('an open breaker says until when', breaker.retryAfterMs(400), 600);
  const probe = breaker.tryAcquire(1_000);
  check('then a probe leaves', [probe >= 0, breaker.stateAt(1_000)], [true, 'half-open']);
  breaker.success(probe, 1_001);
  check('and its success closes', breaker.stateAt(1_001), 'closed');
}

async function checkCalls() {
  const ports = virtualPorts();
  const { clock, rng } = ports;
  const breaker = resilience.createBreaker({ trip: resilience.consecutive(1), clock, rng });
  const fail = () => Promise.reject(new Error('down'));
  check('what is thrown passes', await codeThrownBy(() => breaker.execute(fail)), 'down');
  const code = await codeThrownBy(() => breaker.execute(fail));
  check('a refusal has a code', code, 'LENO_BREAKER_OPEN');
  const settled = await breaker.settle(fail);
  check('and is a value for who asks so', settled.kind, 'refused');
  let tryCount = 0;
  const flaky = () => {
    tryCount += 1;
    return tryCount < 3 ? fail() : 'up';
  };
  check(
    'a retry helps',
    await resilience.pipeline(resilience.retry()).with({ ports }).execute(flaky),
    'up',
  );
  check('it waited, without a clock', [tryCount, clock.nowMs()], [3, 12.5 + 25]);
  const never = () => new Promise(() => {});
  const bounded = resilience.pipeline(resilience.timeout(100));
  const timingOut = () => bounded.with({ ports }).execute(never);
  check('a timeout ends a wait', await codeThrownBy(timingOut), 'LENO_TIMED_OUT');
  const aborted = await bounded.execute(({ signal }) => signal.aborted);
  check('a signal is there for who asks', aborted, false);
  const own = await resilience.createBreaker().execute(() => 'up');
  check("the runtime's own clock will do", own, 'up');
  const bad = await codeThrownBy(() => resilience.createBreaker({ openMs: Number.NaN }));
  check('bad options are refused', bad, 'LENO_RESILIENCE_OPTION');
}

function checkPickers() {
  const set = new balancer.EndpointSet();
  const members = [
    { id: 'a', weight: 5 },
    { id: 'b', weight: 1 },
    { id: 'c', weight: 1 },
  ];
  set.update(members, 0);
  const rng = std.seededRng(1);
  const turns = (kind, count) => {
    const picker = balancer.createPicker(kind, set);
    const picks = Array.from({ length: count }, () => picker.pick(0, rng, () => true));
    return picks.map((index) => set.at(index).id).join('');
  };
  check('weights take turns smoothly', turns('weighted', 7), 'aabacaa');
  const inTurn = turns('roundRobin', 6);
  check('round robin takes all in turn', inTurn.split('').sort().join(''), 'aabbcc');
  check('choices are drawn from the seed', turns('peakEwma', 12).length, 12);
}

checkStd();
checkBreaker();
await checkCalls();
checkPickers();
console.log(`ok ${checkCount}`);
