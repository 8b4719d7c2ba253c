/**
 * What the kernel has counted of processes: CPU time and memory, out of `/proc`. A proxy is the whole
 * process group that its leader was started with, so that workers count too.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux shows CPU time in hundredths of a second on every architecture (`USER_HZ`). */
const microsecondsPerTick = 10_000;

/** The parts of `/proc/PID/stat` that matter here. */
export interface ProcessStat {
  readonly pid: number;
  readonly groupId: number;
  /** User and system time of all threads, those that have ended included. */
  readonly cpuUs: number;
  /** What of it was spent in the kernel. */
  readonly systemUs: number;
}

/** Reads the one line of `/proc/PID/stat`; the name in it may hold blanks and parentheses. */
export function parseStat(text: string): ProcessStat {
  const pid = Number(text.slice(0, text.indexOf(' ')));
  // From the third field on: state, ppid, pgrp, …; utime and stime are fields 14 and 15.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const systemUs = Number(fields[12]) * microsecondsPerTick;
  const cpuUs = Number(fields[11]) * microsecondsPerTick + systemUs;
  return { pid, groupId: Number(fields[2]), cpuUs, systemUs };
}

/** `VmRSS` of `/proc/PID/status`, in bytes; 0 if it says none. */
export function parseResidentBytes(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1_024;
}

/** What processes have taken since they began, and what they hold now. */
export type Usage = Pick<ProcessStat, 'cpuUs' | 'systemUs'> & { readonly residentBytes: number };

/** The usage of every process of the groups together. */
export function usageOf(groupIds: readonly number[]): Usage {
  const sum = { cpuUs: 0, systemUs: 0, residentBytes: 0 };
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    if (stat === '') continue;
    const { groupId, cpuUs, systemUs } = parseStat(stat);
    if (!groupIds.includes(groupId)) continue;
    sum.cpuUs += cpuUs;
    sum.systemUs += systemUs;
    sum.residentBytes += parseResidentBytes(readIfThere(`/proc/${name}/status`));
  }
  return sum;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
