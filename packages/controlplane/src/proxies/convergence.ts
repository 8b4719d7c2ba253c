/** Whether everybody who is connected has given a verdict on a revision: for `apply --wait` and `leave`. */
import type { Clock, Timers } from '@leno/std';
import type { ConfigError, ConfigPoint, ProxySession } from './proxy-session.ts';

/** How the connected proxies stand to one revision. */
export interface ConvergenceReport {
  /** All of them run it: nobody is late, and nobody has refused anything of it. */
  readonly converged: boolean;
  readonly waitedMs: number;
  readonly connected: number;
  readonly acked: number;
  /** Ids of proxies that have not said anything on it yet. */
  readonly late: readonly string[];
  readonly rejected: readonly { readonly proxy: string; readonly errors: readonly ConfigError[] }[];
}

/** Who is asked, and for what. */
export interface ConvergenceQuestion {
  readonly version: number;
  /** Asked anew at each look: sessions come and go. */
  readonly sessions: () => readonly ProxySession[];
  readonly head: () => ConfigPoint;
}

/** Marks are not acknowledged by a message, so that there is no event for every settlement. */
const lookEveryMs = 15;

/** How it stands right now. */
export function convergenceNow(question: ConvergenceQuestion): ConvergenceReport {
  const head = question.head();
  const late: string[] = [];
  const rejected: { proxy: string; errors: readonly ConfigError[] }[] = [];
  let acked = 0;
  let connected = 0;
  for (const session of question.sessions()) {
    const { node, settled, verdict, errors } = session;
    if (node === undefined) continue;
    connected += 1;
    const runsHead = session.acked?.epoch === head.epoch && session.acked.digest === head.digest;
    const isSettled = settled?.epoch === head.epoch && settled.version >= question.version;
    if (runsHead) acked += 1;
    else if (!isSettled) late.push(node.id);
    else if (verdict === 'rejected' || verdict === 'partial') {
      rejected.push({ proxy: node.id, errors });
    } else acked += 1;
  }
  const converged = acked === connected;
  return { converged, waitedMs: 0, connected, acked, late, rejected };
}

/** Waits until nobody is late, `timeoutMs` at most. */
export async function awaitConvergence(
  question: ConvergenceQuestion,
  timeoutMs: number,
  ports: { readonly clock: Clock; readonly timers: Timers },
): Promise<ConvergenceReport> {
  const { clock, timers } = ports;
  const startMs = clock.nowMs();
  for (;;) {
    const report = convergenceNow(question);
    const waitedMs = Math.round(clock.nowMs() - startMs);
    if (report.late.length === 0 || waitedMs >= timeoutMs) return { ...report, waitedMs };
    await new Promise<void>((resolve) => {
      timers.after(Math.min(lookEveryMs, Math.max(1, timeoutMs - waitedMs)), resolve);
    });
  }
}
